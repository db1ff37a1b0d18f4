"""Every address starts here; each app keeps its own."""

from django.urls import include, path, register_converter

from practices.weeks import WeekConverter
from referralcrm import health

register_converter(WeekConverter, "week")

handler404 = "practices.views.gone.not_found"

handler500 = "referralcrm.errors.server_error"

urlpatterns = [
    path("", include("touchpoints.urls")),
    path("", include("contacts.urls")),
    path("", include("exchange.urls")),
    path("", include("insights.urls")),
    path("", include("practices.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
