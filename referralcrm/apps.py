from django.apps import AppConfig


class ReferralCRMConfig(AppConfig):
    name = "referralcrm"
