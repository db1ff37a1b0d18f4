from django.apps import AppConfig


class TouchpointsConfig(AppConfig):
    name = "touchpoints"

    def ready(self) -> None:
        from contacts.changes import followers
        from touchpoints.reminders_at_once import ask_again

        followers.append(ask_again)
