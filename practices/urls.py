from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import include, path, re_path, reverse_lazy

from practices.second_factors import sets_up_sign_in as open_until_set_up
from practices.views import (
    audit_trail,
    covers,
    invitation,
    members,
    my_mail,
    outbox,
    patient_accesses,
    session,
    settings,
    undo,
    your_sign_in,
)

# Of allauth's addresses only these: nobody signs up, and an e-mail address is the user's own, not a setting.
sign_in = [
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/code/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", your_sign_in.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
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

# allauth finds its pages by these names.
your_sign_in_pages = [
    path("", open_until_set_up(your_sign_in.mfa_index), name="mfa_index"),
    path("again/", open_until_set_up(account.reauthenticate), name="account_reauthenticate"),
    path("again/code/", open_until_set_up(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(
        "again/passkey/",
        open_until_set_up(webauthn.reauthenticate_webauthn),
        name="mfa_reauthenticate_webauthn",
    ),
    path("app/", open_until_set_up(your_sign_in.AppSetUp.as_view()), name="mfa_activate_totp"),
    path("app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("passkeys/new/", open_until_set_up(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path(
        "passkeys/<int:pk>/name/",
        webauthn.EditWebAuthnView.as_view(success_url=reverse_lazy("mfa_index")),
        name="mfa_edit_webauthn",
    ),
    path(
        "passkeys/<int:pk>/remove/",
        webauthn.RemoveWebAuthnView.as_view(success_url=reverse_lazy("mfa_index")),
        name="mfa_remove_webauthn",
    ),
    path("recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("sessions/<slug:handle>/end/", your_sign_in.session_end, name="session_end"),
    path("sessions/end-others/", your_sign_in.sessions_end_others, name="sessions_end_others"),
]

settings_pages = [
    path("", settings.settings_page, name="settings"),
    path("locations/", settings.locations, name="locations"),
    path("locations/new/", settings.location_new, name="location_new"),
    path("locations/<int:location_id>/", settings.location_edit, name="location_edit"),
    path("members/", members.members, name="members"),
    path("members/<int:member_id>/", members.member_edit, name="member_edit"),
    path("members/<int:member_id>/return/", members.member_return, name="member_return"),
    path("members/<int:member_id>/sign-out/", your_sign_in.member_sign_out, name="member_sign_out"),
    path(
        "members/<int:member_id>/second-factor/reset/",
        your_sign_in.member_second_factor_reset,
        name="member_second_factor_reset",
    ),
    path("sign-in/", your_sign_in.sign_in_rules, name="sign_in_rules"),
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
    path("audit-trail/", audit_trail.audit_trail, name="audit_trail"),
    path("audit-trail/export/", audit_trail.audit_trail_exported, name="audit_trail_exported"),
    path("sign-ins/", audit_trail.sign_ins, name="sign_ins"),
    path("sign-ins/export/", audit_trail.sign_ins_exported, name="sign_ins_exported"),
    path("undo/", undo.undo_page, name="undo"),
    path("undo/<int:act_id>/", undo.undo_act, name="undo_act"),
    path("patient-access/", patient_accesses.patient_accesses, name="patient_accesses"),
    path(
        "patient-access/export/",
        patient_accesses.patient_accesses_exported,
        name="patient_accesses_exported",
    ),
]

urlpatterns = [
    *sign_in,
    path("your-sign-in/", include(your_sign_in_pages)),
    path("settings/", include(settings_pages)),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("mail/stop/<str:token>/", my_mail.unsubscribe_page, name="unsubscribe"),
    path("session/left/", your_sign_in.session_left, name="session_left"),
    path("session/stay/", your_sign_in.session_stay, name="session_stay"),
    path("practice/", session.switch_practice, name="switch_practice"),
    path("theme/", session.theme, name="theme"),
    path("drafts/<slug:form>/", session.draft, name="draft"),
    path("drafts/<slug:form>/discard/", session.draft_discard, name="draft_discard"),
]
