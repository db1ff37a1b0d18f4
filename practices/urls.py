from allauth.account import views as account
from django.urls import include, path, re_path

from practices.views import covers, invitation, members, my_mail, outbox, patient_accesses, session, settings

# Of allauth's addresses only these: nobody signs up, and an e-mail address is the user's own, not a setting.
sign_in = [
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/inactive/", account.account_inactive, name="account_inactive"),
    path("sign-out/", account.logout, name="account_logout"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/reset/", account.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]

settings_pages = [
    path("", settings.settings_page, name="settings"),
    path("locations/", settings.locations, name="locations"),
    path("locations/new/", settings.location_new, name="location_new"),
    path("locations/<int:location_id>/", settings.location_edit, name="location_edit"),
    path("members/", members.members, name="members"),
    path("members/<int:member_id>/", members.member_edit, name="member_edit"),
    path("members/<int:member_id>/return/", members.member_return, name="member_return"),
    path(
        "invitations/<int:invitation_id>/send-again/",
        members.invitation_send_again,
        name="invitation_send_again",
    ),
    path(
        "invitations/<int:invitation_id>/withdraw/", members.invitation_withdraw, name="invitation_withdraw"
    ),
    path("covers/", covers.covers, name="covers"),
    path("covers/<int:cover_id>/end/", covers.cover_end, name="cover_end"),
    path("my-mail/", my_mail.my_mail, name="my_mail"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:envelope_id>/retry/", outbox.outbox_retry, name="outbox_retry"),
    path("patient-access/", patient_accesses.patient_accesses, name="patient_accesses"),
]

urlpatterns = [
    *sign_in,
    path("settings/", include(settings_pages)),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("mail/stop/<str:token>/", my_mail.unsubscribe_page, name="unsubscribe"),
    path("practice/", session.switch_practice, name="switch_practice"),
    path("theme/", session.theme, name="theme"),
    path("drafts/<slug:form>/", session.draft, name="draft"),
    path("drafts/<slug:form>/discard/", session.draft_discard, name="draft_discard"),
]
