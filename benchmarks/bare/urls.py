"""The one view of the bare site: GET shows a form, POST stores a row and leads to the next form."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from benchmarks.bare.models import Row

PAGE = """<!doctype html><title>{number}</title><form method="post" action="/{person}/{number}/">
<input name="text"><input name="choice" type="number"><button>Next</button></form>"""


@csrf_exempt
def show_or_store(request: HttpRequest, person: int, number: int) -> HttpResponse:
    """Store what was posted; show the form of a number."""
    if request.method == "POST":
        Row.objects.create(text=request.POST["text"], choice=int(request.POST["choice"]))
        return HttpResponseRedirect(f"/{person}/{number + 1}/")
    return HttpResponse(PAGE.format(person=person, number=number))


urlpatterns = [path("<int:person>/<int:number>/", show_or_store)]
