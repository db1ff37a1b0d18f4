"""The rules of the reminders, as the manager reads and tunes them."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from practices.pages import done, page
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from touchpoints.reminder_rule_forms import RuleForm
from touchpoints.reminder_rules import RULES
from touchpoints.reminder_tuning import examples_of, in_sentences, preview, rule_lines, save_setting
from touchpoints.reminders import settings_of_rules
from touchpoints.touchpoint_log import lock_practice


@require_safe
@role_required(*ADMINISTERS)
def reminder_rules(request: PracticeRequest) -> HttpResponse:
    """Every rule: what it says, whose it is, whether it is on."""
    lines = rule_lines(request.member.practice, now=timezone.now())
    return page(request, "touchpoints/reminder_rules.html", {"lines": lines})


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def reminder_rule(request: PracticeRequest, rule: str) -> HttpResponse:
    """Tune one rule: first what the change would do is shown, then it is saved."""
    if rule not in RULES:
        raise Http404
    practice, now = request.member.practice, timezone.now()
    if request.POST.get("seen"):  # it is to be saved: what is compared with the form is what is saved over
        lock_practice()
    form = RuleForm(request.POST or None, rule=RULES[rule], stored=settings_of_rules()[rule])
    context = {
        "form": form,
        "numbers": [form[number.name] for number in RULES[rule].numbers],
        "rule": RULES[rule],
        "sentence": RULES[rule].in_words(form.stored.numbers),
    }
    if form.is_valid():
        if form.is_seen:
            changes = save_setting(form.setting, now=now)
            said = " ".join([form.saved(_("Saved.")), *in_sentences(changes, practice, now=now)])
            return done(request, said, "reminder_rules")
        changes = preview(practice, form.setting, now=now)
        context |= {
            "changes": in_sentences(changes, practice, now=now),
            "made": examples_of(changes.all_made),
            "gone": examples_of(changes.gone),
        }
    return page(request, "touchpoints/reminder_rule.html", context)
