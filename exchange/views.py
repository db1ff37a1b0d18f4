"""The pages of `/imports/`: bring a file, confirm its columns, review its names, see what came of it."""

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from exchange import pages, reviewing
from exchange.columns import keep_for_next_time
from exchange.files import content_of, first_rows, take_in
from exchange.forms import ColumnsForm, UploadForm
from exchange.models import Import, ImportName
from exchange.reading import Unreadable
from exchange.rejected import as_csv
from exchange.tasks import queue
from practices.models import PatientAccess
from practices.pages import as_id, done, key_page, page
from practices.request_sizes import takes_upload
from practices.requests import PracticeRequest
from practices.roles import ADMINISTERS, role_required
from practices.session_limits import polled

State = Import.State


@takes_upload
@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def imports(request: PracticeRequest) -> HttpResponse:
    """Bring a file; what was brought before."""
    form = UploadForm(request)
    source = _taken_in(request, form) if form.is_valid() else None
    if source:
        return redirect("import", source.pk)
    brought = key_page(
        request,
        Import.objects.for_list().order_by("-uploaded_at", "-id"),
        key=lambda row: (row.pk,),
        after=lambda rows, key: rows.filter(pk__lt=int(key[0])),
    )
    return page(request, "exchange/imports.html", {"form": form, "page": brought})


def _taken_in(request: PracticeRequest, form: UploadForm) -> Import | None:
    upload = form.cleaned_data["file"]
    try:
        return take_in(upload.read(), name=upload.name, by=request.member, now=timezone.now())
    except Unreadable as error:
        form.add_error("file", str(error))
    return None


@polled
@require_GET
@role_required(*ADMINISTERS)
def import_page(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Where this import stands, and what it asks for next."""
    source = get_object_or_404(Import.objects.select_related("uploaded_by__user", "practice"), pk=import_id)
    pages.record_shown(request.member, source)
    template = "exchange/_import.html" if request.htmx else "exchange/import.html"
    return render(request, template, pages.of_import(source, request=request))


@require_POST
@role_required(*ADMINISTERS)
def import_columns(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Take the columns as corrected; show them once more, or go on to the check."""
    source = _locked(import_id)
    if source.state not in pages.COLUMNS_MAY_CHANGE:
        return redirect("import", source.pk)
    form = ColumnsForm(source.layout, request.POST)
    if not form.is_valid():
        pages.record_shown(request.member, source)
        return render(
            request, "exchange/import.html", pages.of_columns(source, request=request, form=form), status=422
        )
    return _with_columns(request, source, form)


def _with_columns(request: PracticeRequest, source: Import, form: ColumnsForm) -> HttpResponse:
    now = timezone.now()
    try:
        rows = first_rows(content_of(source))
    except Unreadable as error:
        source.enter(State.FAILED, now=now, failure=str(error))
        return redirect("import", source.pk)
    source.layout = form.changed_layout([cells for line, cells in rows if line > form.layout.header_line])
    is_check = request.POST.get("go") == "check" and not form.layout.asks_order
    source.enter(State.CHECKING if is_check else State.COLUMNS, now=now, failure="")
    if is_check:
        keep_for_next_time(form.layout)
        queue(source)
    return redirect("import", source.pk)


@require_POST
@role_required(*ADMINISTERS)
def import_names(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Decide who is meant: as chosen, then, where asked, everything else as suggested."""
    source = _locked(import_id)
    if source.state == State.REVIEW:
        wanted = {
            key.removeprefix("name-"): value for key, value in request.POST.items() if key.startswith("name-")
        }
        for name in source.names.filter(pk__in=[key for key in wanted if as_id(key) is not None]):
            _decide(request, name, str(wanted[str(name.pk)]))
        if request.POST.get("go") == "accept":
            reviewing.accept_suggestions(source)
    return redirect(f"{pages.url_of(source)}#names")


def _decide(request: PracticeRequest, name: ImportName, choice: str) -> None:
    try:
        if choice:
            reviewing.decide(name, choice)
    except reviewing.NotDecided as error:
        messages.error(request, str(error))


@require_http_methods(["GET", "POST"])
@role_required(*ADMINISTERS)
def import_name(request: PracticeRequest, import_id: int, name_id: int) -> HttpResponse:
    """Find somebody in the network whom the suggestions left out."""
    source = _locked(import_id)
    name = get_object_or_404(source.names.filter(kind__in=pages.SEARCHED), pk=name_id)
    if source.state != State.REVIEW:
        return redirect("import", source.pk)
    if request.method == "POST":
        _decide(request, name, f"existing:{request.POST.get('choice', '')}")
        return redirect(f"{pages.url_of(source)}#names")
    context = pages.of_name(name, query=request.GET.get("q", ""))
    return page(request, "exchange/import_name.html", {"source": source, **context})


@require_POST
@role_required(*ADMINISTERS)
def import_write(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Every name is decided: write."""
    source = _locked(import_id)
    if reviewing.may_be_written(source):
        source.enter(State.WRITING, now=timezone.now())
        queue(source)
    return redirect("import", source.pk)


@require_GET
@role_required(*ADMINISTERS)
def import_rejected(request: PracticeRequest, import_id: int) -> StreamingHttpResponse:
    """The rejected rows as CSV, each with its line, fields and reasons."""
    source = get_object_or_404(Import, pk=import_id)
    pages.record_shown(request.member, source, act=PatientAccess.Act.EXPORTED)
    response = StreamingHttpResponse(as_csv(source), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rejected-rows-{source.pk}.csv"'
    return response


@require_POST
@role_required(*ADMINISTERS)
def import_undo(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Take back what the import added."""
    source, now = _locked(import_id), timezone.now()
    if source.may_be_undone(now):
        source.enter(State.UNDOING, now=now, undone_by=request.member, failure="")
        queue(source)
    return redirect("import", source.pk)


@require_POST
@role_required(*ADMINISTERS)
def import_discard(request: PracticeRequest, import_id: int) -> HttpResponse:
    """Forget a file that nothing was written of."""
    source = _locked(import_id)
    if source.state not in pages.MAY_BE_DISCARDED:
        return redirect("import", source.pk)
    source.delete()
    return done(request, _("The file was deleted. Nothing was brought in."), "imports")


def _locked(import_id: int) -> Import:
    """The import, so that no second click or worker moves it meanwhile; 404 where it is not ours."""
    return get_object_or_404(Import.objects.select_for_update(of=("self",)), pk=import_id)
