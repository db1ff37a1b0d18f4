from django.urls import URLPattern, URLResolver, path

from insights import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("insights/", views.insights, name="insights"),
    path("insights/referrers/", views.insights_senders, name="insights_senders"),
    path("insights/outreach/", views.insights_outreach, name="insights_outreach"),
    path("insights/touchpoints/", views.insights_touchpoints, name="insights_touchpoints"),
    path("insights/<slug:table>.<slug:extension>", views.insights_exported, name="insights_exported"),
]
