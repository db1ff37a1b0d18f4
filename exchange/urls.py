from django.urls import URLPattern, URLResolver, path

from exchange import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("imports/", views.imports, name="imports"),
    path("imports/<int:import_id>/", views.import_page, name="import"),
    path("imports/<int:import_id>/columns/", views.import_columns, name="import_columns"),
    path("imports/<int:import_id>/names/", views.import_names, name="import_names"),
    path("imports/<int:import_id>/names/<int:name_id>/", views.import_name, name="import_name"),
    path("imports/<int:import_id>/write/", views.import_write, name="import_write"),
    path("imports/<int:import_id>/rejected.csv", views.import_rejected, name="import_rejected"),
    path("imports/<int:import_id>/undo/", views.import_undo, name="import_undo"),
    path("imports/<int:import_id>/discard/", views.import_discard, name="import_discard"),
]
