from allauth.account import views as account
from django.urls import path, re_path

from practices.views import session

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

urlpatterns = [
    *sign_in,
    path("practice/", session.switch_practice, name="switch_practice"),
    path("theme/", session.theme, name="theme"),
    path("drafts/<slug:form>/", session.draft, name="draft"),
    path("drafts/<slug:form>/discard/", session.draft_discard, name="draft_discard"),
]
