"""The API's own document, OpenAPI 3.1, made of the contract's table and the routes; and a page that shows it."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, current_app, render_template
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core.core_schema import TypedDictSchema
from werkzeug.routing import Rule

from app.domain.access import Action
from app.web.api.conditional import conditional
from app.web.api.contract import OPERATIONS, Operation, Parameter, RowsJson, ToldJson
from app.web.principal import signed_in_account
from app.web.refusals import ProblemJson, app_json
from app.web.site import site

blueprint = Blueprint("openapi", __name__, url_prefix="/api/v1")

_PREFIX = "/api/v1"
_PLACE = "#/components/schemas/{model}"
_READS = frozenset({"GET"})
_TOKENS: list[dict[str, list[str]]] = [{"basic": []}, {"bearer": []}]
_WORDS = {
    400: "The question cannot be read.",
    401: "Nobody is known to be asking.",
    403: "The role may not do this.",
    404: "There is no such thing, or not for the asker: the two look alike.",
    409: "It does not fit what stands; nothing was recorded.",
    413: "The notice is too large.",
    415: "The notice is compressed.",
    422: "Nothing could be read, or the Idempotency-Key came with another notice before.",
    503: "Not now; nothing was recorded. Try again.",
    507: "The disk is full; nothing was recorded.",
}
_COMMON = (400, 401, 403, 404, 503)


@blueprint.get("/openapi.json", action=Action.PUBLIC)
def document() -> Response:
    """Give the document to anybody."""
    return conditional(app_json(_document()))


@blueprint.get("/docs", action=Action.PUBLIC)
def docs() -> str:
    """Show the same document to people, as a plain page of our own, with the menu of whoever is signed in."""
    signed_in_account()
    return render_template("api.html", document=_document())


def _document() -> dict[str, Any]:
    return make_document(current_app.url_map.iter_rules(), site().base_url, current_app.config["SESSION_COOKIE_NAME"])


def make_document(rules: Iterable[Rule], base_url: str, cookie: str) -> dict[str, Any]:
    """Return the OpenAPI document of those routes that the contract names; ``cookie`` is that of a session."""
    paths: dict[str, dict[str, Any]] = {}
    stated = sorted(
        (rule for rule in rules if rule.endpoint in OPERATIONS), key=lambda rule: (rule.rule, rule.endpoint)
    )
    for rule in stated:
        methods = set(rule.methods or ()) - {"HEAD", "OPTIONS"}
        address = rule.rule.removeprefix(_PREFIX).replace("<", "{").replace(">", "}")
        for method in methods:
            paths.setdefault(address, {})[method.lower()] = _operation(rule, method, OPERATIONS[rule.endpoint])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Planned gateway closures",
            "version": version("closure-notices"),
            "description": (
                "Users tell DCC when they plan to close their gateways; DCC asks what is closed, when. Nothing is "
                "refused for being late. Times are UTC; those without offset in a question are London time."
            ),
        },
        "servers": [{"url": f"{base_url}{_PREFIX}"}],
        "security": [*_TOKENS, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "A User's code and its app password."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "An app password, or a role's token."},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "A person who signed in."},
                "form": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRFToken",
                    "description": "The token of a form of the same session.",
                },
            },
            "schemas": dict(sorted(_schemas()[1].items())),
        },
    }


class _Exact(GenerateJsonSchema):
    """JSON Schema of the types of our answers: nothing leaves that the document does not name."""

    def typed_dict_schema(self, schema: TypedDictSchema) -> JsonSchemaValue:
        return {"additionalProperties": False, **super().typed_dict_schema(schema)}


@cache
def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of each type that an operation answers or takes, and all that they refer to, by name."""
    used: dict[Any, None] = dict.fromkeys([ProblemJson, RowsJson, ToldJson])
    for operation in OPERATIONS.values():
        used |= dict.fromkeys([operation.answers, operation.unread or operation.answers])
    adapters: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
        (shape, "serialization", TypeAdapter(shape)) for shape in used
    ]
    found, together = TypeAdapter.json_schemas(adapters, ref_template=_PLACE, schema_generator=_Exact)
    return {shape: found[shape, "serialization"] for shape in used}, together["$defs"]


def _operation(rule: Rule, method: str, stated: Operation) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": stated.summary,
        "parameters": [*map(_path_parameter, sorted(rule.arguments)), *map(_parameter, stated.parameters)],
        "responses": _responses(method, stated),
    }
    if method not in _READS:
        facts["security"] = [*_TOKENS, {"session": [], "form": []}]
    if stated.body is not None:
        content = {media: {"schema": schema} for media, schema in stated.body.items()}
        facts["requestBody"] = {"required": True, "content": content}
    return facts


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "examples": ["CN-0123456789"]}}


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "description": one.text,
        "schema": dict(one.schema),
    }


def _responses(method: str, stated: Operation) -> dict[str, Any]:
    found: dict[int, dict[str, Any]] = {
        200: {"description": stated.summary, "content": {"application/json": _reference(stated.answers)}}
    }
    if stated.sheet:
        found[200]["content"]["text/csv"] = {"schema": {"type": "string"}}
    if method in _READS:
        tag = {"ETag": {"description": "Names these octets.", "schema": {"type": "string"}}}
        found[200]["headers"] = tag
        found[304] = {"description": "What If-None-Match names is the latest.", "headers": tag}
    for status in (*_COMMON, *stated.refusals):
        content: dict[str, Any] = {"application/problem+json": _reference(ProblemJson)}
        if status == 422 and stated.unread is not None:  # noqa: PLR2004 - RFC 9110 15.5.21
            content["application/json"] = _reference(stated.unread)
        found[status] = {"description": _WORDS[status], "content": content}
    return {str(status): found[status] for status in sorted(found)}


def _reference(shape: Any) -> Mapping[str, Any]:
    return {"schema": _schemas()[0][shape]}
