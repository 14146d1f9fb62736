"""Argo's ``Workflow``: templates that call templates, unfolded into tasks.

A DAG or a list of steps is not a task but what it calls, down to pods: who waits for a nested DAG waits for the last
of its tasks, and its first tasks wait for what it waits for. Copies (``withItems``) are tasks of their own.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.words import first_of
from yuheng.model.workflow import DataEdge, Task, Workflow
from yuheng.readers.decoding import below
from yuheng.readers.workflows.argo_fields import Arguments, Call
from yuheng.readers.workflows.argo_library import Home, Library, read_object
from yuheng.readers.workflows.argo_pods import PodMaker, said_of, sizes_of
from yuheng.readers.workflows.argo_values import arguments_of, artifact_named, copies, filled
from yuheng.readers.workflows.depends import Depends, read_depends
from yuheng.readers.workflows.graph import MOST_TASKS, assembled, check_names
from yuheng.readers.workflows.needs import divided

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.readers.sources.documents import Item
    from yuheng.readers.workflows.argo_fields import Dag, Template, WorkflowObject, WorkflowSpec
    from yuheng.readers.workflows.argo_values import Scope
    from yuheng.readers.workloads.template import MakePod

__all__ = ["argo_workflow"]

DEEPEST: Final = 50


class Origin(NamedTuple):
    """Where an artifact comes from: the task, and gigabytes where they are known."""

    task: str
    gigabytes: float | None


class Unfolded(NamedTuple):
    """What has become of a call.

    Attributes:
        last: tasks that are done when it is done.
        outputs: artifacts that it leaves, by name.
        runs: whether it runs when all goes well.
    """

    last: frozenset[str]
    outputs: Mapping[str, Origin]
    runs: bool = True


class Frame(NamedTuple):
    """From where something is called.

    Attributes:
        home: the object with the templates.
        prefix: of the names of tasks.
        after: tasks that it waits for.
        scope: what is known.
        artifacts: that were handed on, by name.
        stack: templates that are being unfolded.
    """

    home: Home
    prefix: str
    after: frozenset[str]
    scope: Scope
    artifacts: Mapping[str, Origin]
    stack: tuple[str, ...]


def argo_workflow(item: Item, library: Library, make_pod: MakePod) -> Workflow | None:
    """The workflow of an object of Argo's; None for one that is done or runs already.

    Args:
        item: the object.
        library: the WorkflowTemplates of the input.
        make_pod: from a complete v1 Pod to a pod of the model.

    Raises:
        InputError: it is not what it should be; the message names file, object and field.
    """
    found = read_object(item)
    name = found.metadata.name or found.metadata.generate_name.rstrip("-")
    subject = f"Workflow {found.metadata.namespace}/{name}"
    if found.status.phase not in ("", "Pending"):
        return None
    if not name:
        raise InputError("nothing", "a name", source=item.source, subject="Workflow", field="metadata.name")
    try:
        return _workflow(found, f"{found.metadata.namespace}/{name}", item, library, make_pod)
    except InputError as error:
        raise error.at(source=item.source, subject=subject) from error.__cause__


def _workflow(found: WorkflowObject, key: str, item: Item, library: Library, make_pod: MakePod) -> Workflow:
    spec = _whole_spec(found, library)
    whole, each = divided(said_of(found.metadata))
    if spec.active_deadline_seconds is not None:
        whole.setdefault("within", float(spec.active_deadline_seconds))
    pods = PodMaker(spec, found.metadata, each, make_pod)
    unfolding = _Unfolding(library, pods)
    unfolding.start(Home(f"Workflow {key}", found.metadata.namespace, spec), key)
    return assembled(
        unfolding.tasks.values(),
        unfolding.edges,
        "spec.templates",
        key=key,
        kind="Workflow",
        api_version=item.api_version,
        labels=found.metadata.labels,
        parallelism=spec.parallelism,
        source=item.source,
        warnings=tuple(f"{item.source}: Workflow {key}: {warning}" for warning in unfolding.warnings(spec)),
        **whole,
    )


def _whole_spec(found: WorkflowObject, library: Library) -> WorkflowSpec:
    """The specification of a workflow; of its WorkflowTemplate, where it has one, what it does not say itself."""
    spec = found.spec
    if spec.workflow_template_ref is not None:
        try:
            general = library.home(spec.workflow_template_ref, found.metadata.namespace).spec
        except InputError as error:
            raise error.at(field="spec.workflowTemplateRef.name") from None
        said = {name: getattr(spec, name) for name in spec.__struct_fields__ if getattr(spec, name)}
        said["arguments"] = Arguments(parameters=(*general.arguments.parameters, *spec.arguments.parameters))
        spec = msgspec.structs.replace(general, **said)
    if not spec.entrypoint:
        raise InputError("nothing", "the name of a template", field="spec.entrypoint")
    return spec


class _Unfolding:
    """The tasks of one workflow, while they are found."""

    def __init__(self, library: Library, pods: PodMaker) -> None:
        self.tasks: dict[str, Task] = {}
        self.edges: list[DataEdge] = []
        self._library = library
        self._pods = pods
        self._said: dict[str, list[str]] = {}

    def start(self, home: Home, key: str) -> None:
        """Unfold the entrypoint."""
        namespace, name = key.split("/", 1)
        scope = {"workflow.name": name, "workflow.namespace": namespace}
        for parameter in home.spec.arguments.parameters:
            if parameter.value is not None:
                value = parameter.value
                text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                scope[f"workflow.parameters.{parameter.name}"] = text
        frame = Frame(home, "", frozenset(), scope, {}, ())
        entry = Call(name=home.spec.entrypoint, template=home.spec.entrypoint, arguments=home.spec.arguments)
        try:
            template = home.template(home.spec.entrypoint)
        except InputError as error:
            raise error.at(field="spec.entrypoint") from None
        self._template(template, entry, frame, {})

    def warnings(self, spec: WorkflowSpec) -> list[str]:
        """What had to be assumed, one sentence each."""
        found = [text.format(tasks=first_of(sorted(set(names)))) for text, names in self._said.items()]
        if self._pods.created:
            created = first_of(sorted(set(self._pods.created)))
            found.append(f"objects that are created and cannot be read as workloads count no pods: {created}")
        if spec.on_exit:
            found.append(f"the exit handler {spec.on_exit} is left out")
        return found

    def _note(self, text: str, task: str) -> None:
        self._said.setdefault(text, []).append(task)

    def _call(self, call: Call, frame: Frame, results: Mapping[str, Unfolded]) -> Unfolded:
        """Unfold a call, as often as it is made."""
        name = f"{frame.prefix}{call.name}"
        if call.when:
            self._note("conditions (when) are taken to hold: {tasks}", name)
        try:
            items = copies(call, frame.scope)
        except InputError as error:
            raise below(_place(call, frame), error) from None
        if items is None:
            self._note("how many copies run is known only then, and one is assumed: {tasks}", name)
            items = [{}]
        if not items:
            return Unfolded(frame.after, {})
        alone = call.with_items is None and not call.with_param and call.with_sequence is None
        made = []
        for number, item in enumerate(items):
            own = call if alone else msgspec.structs.replace(call, name=f"{call.name}({number})")
            made.append(self._once(own, frame._replace(scope={**frame.scope, **item}), results))
        return Unfolded(frozenset().union(*(one.last for one in made)), made[0].outputs if alone else {})

    def _once(self, call: Call, frame: Frame, results: Mapping[str, Unfolded]) -> Unfolded:
        try:
            home, template = self._library.called(call, filled(call.template, frame.scope), frame.home)
        except InputError as error:
            raise below(_place(call, frame), error) from None
        given = {}
        for artifact in call.arguments.artifacts:
            kind, producer, name = artifact_named(filled(artifact.source, frame.scope))
            known = frame.artifacts if kind == "inputs" else results[producer].outputs if producer in results else {}
            if name in known:
                given[artifact.name] = known[name]
        return self._template(template, call, frame._replace(home=home), given)

    def _template(self, template: Template, call: Call, frame: Frame, given: Mapping[str, Origin]) -> Unfolded:
        """Unfold a template that is called."""
        name = template.name or call.name
        identity = f"{frame.home.name}: {name}"
        if identity in frame.stack or len(frame.stack) >= DEEPEST:
            path = [*frame.stack[frame.stack.index(identity) if identity in frame.stack else 0 :], identity]
            names = " -> ".join(one.rpartition(": ")[2] for one in path)
            raise InputError(f"templates that call themselves: {names}", "an end", field="spec.templates")
        globals_ = {key: value for key, value in frame.scope.items() if key.startswith("workflow.")}
        scope = {**globals_, **arguments_of(template.inputs, call.arguments, frame.scope)}
        inner = frame._replace(scope=scope, artifacts=given, stack=(*frame.stack, identity))
        if template.dag is None and template.steps is None:
            return self._pod(template, call, inner)
        # The entrypoint is the workflow itself: its tasks need no prefix.
        inner = inner._replace(prefix=f"{frame.prefix}{call.name}." if frame.stack else "")
        if template.dag is not None:
            last, results = self._dag(template.dag, name, inner)
        else:
            last, results = self._steps(template.steps or [], name, inner)
        return Unfolded(last, _handed_on(template, results))

    def _pod(self, template: Template, call: Call, frame: Frame) -> Unfolded:
        """A template that is a task."""
        name = f"{frame.prefix}{call.name}"
        if len(self.tasks) >= MOST_TASKS:
            raise InputError(f"more than {MOST_TASKS} tasks", "fewer", field="spec.templates")
        try:
            needs = self._pods.needs(template, name, frame.scope)
            sizes = sizes_of(template.metadata)
        except InputError as error:
            raise below(f"spec.templates[{template.name or call.name}]", error) from error.__cause__
        self.tasks[name] = Task(
            name=name, pods=needs.pods, after=tuple(sorted(frame.after)), requirements=needs.requirements
        )
        for artifact in sorted(frame.artifacts):
            origin = frame.artifacts[artifact]
            if origin.gigabytes is None:
                self._note("nobody says how large artifacts are, and 0 GB are assumed: those of {tasks}", origin.task)
            self.edges.append(DataEdge(source=origin.task, target=name, gigabytes=origin.gigabytes or 0.0))
        outputs = {one.name: Origin(name, sizes.get(one.name)) for one in template.outputs.artifacts}
        return Unfolded(frozenset((name,)), outputs)

    def _dag(self, dag: Dag, name: str, frame: Frame) -> tuple[frozenset[str], dict[str, Unfolded]]:
        """Unfold the tasks of a DAG; returns the last of them, and what has become of each."""
        field = f"spec.templates[{name}].dag.tasks"
        waits = {call.name: _waits(call, f"{field}[{index}]") for index, call in enumerate(dag.tasks)}
        check_names({one: depends.tasks for one, depends in waits.items()}, [call.name for call in dag.tasks], field)
        calls = {call.name: call for call in dag.tasks}
        order = _ordered({one: depends.tasks for one, depends in waits.items()}, field)
        wanted = _wanted(filled(dag.target, frame.scope).split(), waits, field)
        results: dict[str, Unfolded] = {}
        for one in (one for one in order if one in wanted):
            depends = waits[one]
            after = frozenset().union(*(results[source].last for source in depends.tasks)) or frame.after
            if depends.holds({source: results[source].runs for source in depends.tasks}):
                results[one] = self._call(calls[one], frame._replace(after=after), results)
            else:
                self._note("left out, as they run only when others do not go well: {tasks}", f"{frame.prefix}{one}")
                results[one] = Unfolded(after, {}, runs=False)
        awaited = {source for one in results for source in waits[one].tasks}
        last = frozenset().union(*(made.last for one, made in results.items() if one not in awaited))
        return last or frame.after, results

    def _steps(
        self, groups: Iterable[Iterable[Call]], name: str, frame: Frame
    ) -> tuple[frozenset[str], dict[str, Unfolded]]:
        """Unfold groups of steps, one after the other; returns the last tasks, and what has become of each step."""
        results: dict[str, Unfolded] = {}
        for index, group in enumerate(groups):
            made: dict[str, Unfolded] = {}
            for call in group:
                if not call.name:
                    field = f"spec.templates[{name}].steps[{index}]"
                    raise InputError("a step without a name", "the name of each step", field=field)
                if call.name in results or call.name in made:
                    field = f"spec.templates[{name}].steps[{index}]"
                    raise InputError(f"a second step {call.name!r}", "one step of a name", field=field)
                made[call.name] = self._call(call, frame, results)
            results |= made
            frame = frame._replace(after=frozenset().union(*(one.last for one in made.values())) or frame.after)
        return frame.after, results


def _place(call: Call, frame: Frame) -> str:
    """Where a call stands: in which template."""
    return f"spec.templates[{frame.stack[-1].rpartition(': ')[2]}].{call.name}"


def _handed_on(template: Template, results: Mapping[str, Unfolded]) -> dict[str, Origin]:
    """The artifacts that a DAG or a list of steps leaves: those of its tasks that it names."""
    found = {}
    for artifact in template.outputs.artifacts:
        _, producer, name = artifact_named(artifact.source)
        if producer in results and name in results[producer].outputs:
            found[artifact.name] = results[producer].outputs[name]
    return found


def _waits(call: Call, field: str) -> Depends:
    """What a task of a DAG waits for.

    Raises:
        InputError: it says so twice, or its expression cannot be read.
    """
    if not call.depends:
        return Depends(tuple(dict.fromkeys(call.dependencies)), lambda runs: all(runs.values()))
    if call.dependencies:
        raise InputError("depends and dependencies", "one of them", field=f"{field}.depends")
    try:
        return read_depends(call.depends)
    except InputError as error:
        raise error.at(field=f"{field}.depends") from None


def _ordered(waits: Mapping[str, Iterable[str]], field: str) -> list[str]:
    """Tasks behind those they wait for.

    Raises:
        InputError: they wait for each other.
    """
    try:
        return list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        path: list[Any] = error.args[1][:-1]
        first = path.index(min(path))
        cycle = " -> ".join([*path[first:], *path[:first], path[first]])
        raise InputError(f"a cycle: {cycle}", "tasks that do not wait for themselves", field=field) from None


def _wanted(targets: Iterable[str], waits: Mapping[str, Depends], field: str) -> set[str]:
    """The tasks that targets wait for, and they themselves; without targets all."""
    left = list(targets)
    if not left:
        return set(waits)
    found: set[str] = set()
    while left:
        one = left.pop()
        if one not in waits:
            raise InputError(f"the target {one!r}, which is not there", "a task of it", field=field)
        if one not in found:
            found.add(one)
            left += waits[one].tasks
    return found
