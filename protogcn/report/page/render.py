"""The parts of the page -> one html file that asks no server for anything.

Its content policy forbids every request, and every script but the page's own: they are named by
their digest. Sorting is DataTables', from the ``itables`` package.
"""

import base64
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup


def render(**parts: Any) -> str:
    """Fill the template; every text in it is escaped."""
    folder = resources.files("protogcn.report.page")
    environment = Environment(
        loader=FileSystemLoader(str(folder)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False}  # runs stay in their order
    script = (folder / "page.js").read_text("utf-8")
    return environment.get_template("page.html").render(
        **parts,
        style=Markup((folder / "page.css").read_text("utf-8")),
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        datatables=_datatables(),
    )


def _datatables() -> Markup:
    """Return the library in a form that is safe inside a script element."""
    bundle = resources.files("itables").joinpath("html", "dt_bundle.js").read_text("utf-8")
    return Markup(bundle.replace("</script", "<\\/script"))
