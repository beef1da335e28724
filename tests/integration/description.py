"""docs/api/openapi.yaml, and how answers are held against it."""
import json
import pathlib
import re

import jsonschema
import yaml

FILE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "api" / "openapi.yaml"
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


class Description:
    def __init__(self):
        self.document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self.operations = {(method.upper(), path): item[method]
                           for path, item in self.document["paths"].items() for method in METHODS if method in item}
        self.resolver = jsonschema.RefResolver("", self.document)

    def resolved(self, node):
        """What a reference to a part of the document stands for."""
        while "$ref" in node:
            node = self.resolver.resolve(node["$ref"])[1]
        return node

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def responses(self, operation):
        """By status, but for `default`."""
        return {int(status): self.resolved(response)
                for status, response in self.operations[operation]["responses"].items() if status != "default"}

    def documented(self):
        """(method, path, status) of every answer."""
        return {(*operation, status) for operation in self.operations for status in self.responses(operation)}

    def problems(self, response):
        """The problem types that a response may have; nothing if it has none."""
        schema = response.get("content", {}).get("application/problem+json", {}).get("schema")
        if schema is None:
            return set()
        own = schema.get("properties", {}).get("type", self.resolved(schema)["properties"]["type"])
        return {own["const"]} if "const" in own else set(own["enum"])

    def find(self, method, target):
        """The operation that a request is one of. Among several it is the one with the fewest names in its path."""
        path = target.partition("?")[0]

        def matches(template):
            # The one path whose end may have several segments (docs/api/openapi.yaml says so).
            pattern = re.escape(template).replace(r"\{resource\}", ".+")
            return re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), path)
        found = [template for known, template in self.operations if known == method and matches(template)]
        if not found:
            raise AssertionError(f"{method} {path} isn't in the description")
        return method, min(found, key=lambda template: (template.count("{"), -len(template)))

    def judge(self, method, target, answer):
        """(method, path, status) of `answer` (rig.Gateway.request). Fails if it isn't as documented."""
        operation = self.find(method, target)
        status, fields, content = answer
        what = f"{method} {target}: {status} {content[:300]!r}"
        response = self.responses(operation).get(status)
        if response is None:
            raise AssertionError(f"not documented: {what}")
        try:
            for name, header in response.get("headers", {}).items():
                self.validate(fields.get(name.lower()), self.resolved(header)["schema"])
            if method != "HEAD":
                self.judge_content(response, fields, content)
        except (jsonschema.ValidationError, AssertionError) as error:
            raise AssertionError(f"not as documented: {what} {fields}: {error}") from error
        return (*operation, status)

    def judge_content(self, response, fields, content):
        if "content" not in response:
            if content:
                raise AssertionError("there is content")
            return
        media = response["content"].get(fields.get("content-type"))
        if media is None:
            raise AssertionError("another Content-Type")
        if "json" in fields["content-type"]:
            self.validate(json.loads(content), media["schema"])
