"""Home: what should I do now?"""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from practices.requests import PracticeRequest
from practices.roles import member_required
from touchpoints.home_pages import home_page


@require_safe
@member_required
def home(request: PracticeRequest) -> HttpResponse:
    """The next thing on top, by role."""
    now = timezone.now()
    context = {"shown": home_page(request.member, now=now), "today": request.member.practice.today(now)}
    return render(request, "touchpoints/home.html", context)
