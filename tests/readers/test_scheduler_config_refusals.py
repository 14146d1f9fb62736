"""What kube-scheduler refuses is refused in one line: the file, the field, what was found and expected."""

from __future__ import annotations

import pytest
from made_scheduler_configs import GROUP, parse, with_arguments

from yuheng.errors import InputError
from yuheng.readers.scheduler_config import parse_scheduler_config

UNKNOWN = "found an unknown field, expected a field that kube-scheduler knows"
PERCENTAGE = "expected a whole number from 0 to 100"
STRATEGIES = "expected LeastAllocated, MostAllocated or RequestedToCapacityRatio"
REMOVED = "expected a plugin that v1 still has"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("profilez: []", f"profilez: {UNKNOWN}"),
        ("delay_cache_until_active: true", f"delay_cache_until_active: {UNKNOWN}"),
        ("profiles: [{plugins: {scores: {}}}]", f"profiles[0].plugins.scores: {UNKNOWN}"),
        (
            "profiles: [{plugins: {score: {enabled: [{name: X, wieght: 1}]}}}]",
            f"profiles[0].plugins.score.enabled[0].wieght: {UNKNOWN}",
        ),
        ("profiles: {}", "profiles: found a map, expected a list"),
        ("profiles: [web]", "profiles[0]: found 'web', expected a map"),
        ("parallelism: 0", "parallelism: found 0, expected a whole number of 1 or more"),
        ("parallelism: '4'", "parallelism: found '4', expected a whole number"),
        ("enableProfiling: 1", "enableProfiling: found 1, expected true or false"),
        ("leaderElection: {leaseDuration: 15}", "leaderElection.leaseDuration: found 15, expected text"),
        ("clientConnection: {qps: fast}", "clientConnection.qps: found 'fast', expected a number"),
        ("percentageOfNodesToScore: 101", f"percentageOfNodesToScore: found 101, {PERCENTAGE}"),
        (
            "profiles: [{percentageOfNodesToScore: -1}]",
            f"profiles[0].percentageOfNodesToScore: found -1, {PERCENTAGE}",
        ),
        (
            "podInitialBackoffSeconds: 20",
            "podMaxBackoffSeconds: found 10, expected 20 or more, as podInitialBackoffSeconds is 20",
        ),
        (
            "profiles: [{schedulerName: ''}]",
            "profiles[0].schedulerName: found nothing, expected the name of a scheduler",
        ),
        (
            "profiles: [{schedulerName: a}, {}]",
            "profiles[1].schedulerName: found nothing, expected the name of a scheduler",
        ),
        (
            "profiles: [{schedulerName: a}, {schedulerName: a}]",
            "profiles[1].schedulerName: found 'a', expected a name that no other profile has",
        ),
        (
            "profiles: [{plugins: {bind: {enabled: [{name: X, weight: 3000000000}]}}}]",
            (
                "profiles[0].plugins.bind.enabled[0].weight: found 3000000000, "
                f"expected a whole number from {-(2**31)} to {2**31 - 1}"
            ),
        ),
        (
            "profiles: [{plugins: {filter: {enabled: [{name: EBSLimits}]}}}]",
            f"profiles[0].plugins.filter.enabled[0].name: found 'EBSLimits', {REMOVED}",
        ),
        (
            "profiles: [{pluginConfig: [{name: AzureDiskLimits}]}]",
            f"profiles[0].pluginConfig[0].name: found 'AzureDiskLimits', {REMOVED}",
        ),
        (
            "profiles: [{pluginConfig: [{name: X}, {name: X}]}]",
            "profiles[0].pluginConfig[1].name: found 'X', expected each plugin once",
        ),
        (
            "profiles: [{pluginConfig: [{name: NodeAffinity, args: [1]}]}]",
            "profiles[0].pluginConfig[0].args: found a list, expected a map",
        ),
    ],
)
def test_structure(body, message):
    with pytest.raises(InputError) as caught:
        parse(body)

    assert str(caught.value) == f"s.yaml: {message}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "kind: found nothing, expected KubeSchedulerConfiguration"),
        (
            {"kind": "KubeSchedulerConfiguration", "apiVersion": "example.com/v1"},
            f"apiVersion: found 'example.com/v1', expected {GROUP}/v1 (or v1beta3 or v1beta2)",
        ),
        ({"kind": "Policy"}, "kind: found 'Policy', expected KubeSchedulerConfiguration"),
        (
            {"kind": "KubeSchedulerConfiguration", "apiVersion": "v1"},
            f"apiVersion: found 'v1', expected {GROUP}/v1 (or v1beta3 or v1beta2)",
        ),
        (
            {"kind": "KubeSchedulerConfiguration", "apiVersion": f"{GROUP}/v2"},
            f"apiVersion: found '{GROUP}/v2', expected {GROUP}/v1 (or v1beta3 or v1beta2)",
        ),
    ],
)
def test_type(document, message):
    with pytest.raises(InputError) as caught:
        parse_scheduler_config(document)

    assert str(caught.value) == f"<object>: {message}"


def arguments_refused(plugin, arguments):
    """The message about a plugin's arguments, without the place where they stand."""
    with pytest.raises(InputError) as caught:
        with_arguments(plugin, arguments)
    place, _, message = str(caught.value).partition("args.")
    assert place == "s.yaml: profiles[0].pluginConfig[0]."
    return message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{ignoredResource: []}", f"ignoredResource: {UNKNOWN}"),
        ("{kind: NodeAffinityArgs}", "kind: found 'NodeAffinityArgs', expected NodeResourcesFitArgs"),
        ("{apiVersion: v1}", f"apiVersion: found 'v1', expected {GROUP}/v1"),
        (
            "{ignoredResources: [a/b/c]}",
            "ignoredResources[0]: found 'a/b/c', expected a name such as example.com/name",
        ),
        (
            "{ignoredResourceGroups: [a/b]}",
            "ignoredResourceGroups[0]: found 'a/b', expected a name without a slash, such as example.com",
        ),
        ("{scoringStrategy: {}}", f"scoringStrategy.type: found nothing, {STRATEGIES}"),
        ("{scoringStrategy: {type: Best}}", f"scoringStrategy.type: found 'Best', {STRATEGIES}"),
        (
            "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 101}]}}",
            "scoringStrategy.resources[0].weight: found 101, expected a whole number from 1 to 100",
        ),
        (
            "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: -1}]}}",
            "scoringStrategy.resources[0].weight: found -1, expected a whole number from 1 to 100",
        ),
        (
            "{scoringStrategy: {type: RequestedToCapacityRatio}}",
            (
                "scoringStrategy.requestedToCapacityRatio: found nothing, "
                "expected a shape, as type is RequestedToCapacityRatio"
            ),
        ),
        (
            "{scoringStrategy: {type: MostAllocated, requestedToCapacityRatio: {shape: [{score: 1}]}}}",
            ("scoringStrategy.requestedToCapacityRatio: found a map, expected nothing, as type is MostAllocated"),
        ),
    ],
)
def test_fit(arguments, message):
    assert arguments_refused("NodeResourcesFit", arguments) == message


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("", ": found nothing, expected at least one point"),
        ("{utilization: 101}", f"[0].utilization: found 101, {PERCENTAGE}"),
        ("{utilization: -1}", f"[0].utilization: found -1, {PERCENTAGE}"),
        ("{score: 11}", "[0].score: found 11, expected a whole number from 0 to 10"),
        (
            "{utilization: 0}, {utilization: 50}, {utilization: 50}",
            "[2].utilization: found 50, expected more than 50, as utilization increases from point to point",
        ),
    ],
)
def test_shapes(points, message):
    strategy = f"{{type: RequestedToCapacityRatio, requestedToCapacityRatio: {{shape: [{points}]}}}}"

    found = arguments_refused("NodeResourcesFit", f"{{scoringStrategy: {strategy}}}")

    assert found == f"scoringStrategy.requestedToCapacityRatio.shape{message}"


@pytest.mark.parametrize(
    ("plugin", "arguments", "message"),
    [
        (
            "NodeResourcesBalancedAllocation",
            "{resources: [{name: cpu}, {name: cpu}]}",
            "resources[1].name: found 'cpu', expected each resource once",
        ),
        (
            "NodeResourcesBalancedAllocation",
            "{resources: [{name: cpu, weight: 2}]}",
            "resources[0].weight: found 2, expected a weight of 1",
        ),
        (
            "InterPodAffinity",
            "{hardPodAffinityWeight: 101}",
            f"hardPodAffinityWeight: found 101, {PERCENTAGE}",
        ),
        (
            "PodTopologySpread",
            "{defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}]}",
            "defaultingType: found 'System', expected List, as there are defaultConstraints",
        ),
        (
            "PodTopologySpread",
            "{defaultingType: Mine}",
            "defaultingType: found 'Mine', expected System or List",
        ),
        (
            "VolumeBinding",
            "{bindTimeoutSeconds: -1}",
            "bindTimeoutSeconds: found -1, expected a whole number of 0 or more",
        ),
        (
            "DefaultPreemption",
            "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}",
            "minCandidateNodesPercentage: found 0, expected more than 0, as minCandidateNodesAbsolute is 0",
        ),
        ("DynamicResources", "{filterTimeout: 10}", "filterTimeout: found 10, expected text"),
    ],
)
def test_other_arguments(plugin, arguments, message):
    assert arguments_refused(plugin, arguments) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"maxSkew": 0}, ".maxSkew: found 0, expected a whole number of 1 or more"),
        ({"maxSkew": None}, ".maxSkew: found 0, expected a whole number of 1 or more"),
        (
            {"whenUnsatisfiable": None},
            ".whenUnsatisfiable: found nothing, expected DoNotSchedule or ScheduleAnyway",
        ),
        ({"topologyKey": ""}, ".topologyKey: found nothing, expected a name such as example.com/name"),
        (
            {"whenUnsatisfiable": "Never"},
            ".whenUnsatisfiable: found 'Never', expected DoNotSchedule or ScheduleAnyway",
        ),
        (
            {"labelSelector": {}},
            (
                ".labelSelector: found a map, "
                "expected no selector, as it follows from each pod's services and controllers"
            ),
        ),
        ({"nodeTaintsPolicy": "No"}, ".nodeTaintsPolicy: found 'No', expected Honor or Ignore"),
        (
            {"topologyKey": "zone"},
            ": found 'zone, ScheduleAnyway', expected each pair of topologyKey and whenUnsatisfiable once",
        ),
    ],
)
def test_default_constraints(changes, message):
    first = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
    constraints = [first, {**first, "topologyKey": "rack", **changes}]

    found = arguments_refused("PodTopologySpread", {"defaultingType": "List", "defaultConstraints": constraints})

    assert found == f"defaultConstraints[1]{message}"


@pytest.mark.parametrize(
    ("kind", "requirement", "message"),
    [
        (
            "matchExpressions",
            "{key: a, operator: Is}",
            "operator: found 'Is', expected In, NotIn, Exists, DoesNotExist, Gt or Lt",
        ),
        (
            "matchExpressions",
            "{operator: Exists}",
            "key: found nothing, expected a name such as example.com/name",
        ),
        (
            "matchExpressions",
            "{key: a, operator: In}",
            "values: found nothing, expected at least one value, as operator is In",
        ),
        (
            "matchExpressions",
            "{key: a, operator: Exists, values: [b]}",
            "values: found a list, expected no values, as operator is Exists",
        ),
        (
            "matchExpressions",
            "{key: a, operator: Gt, values: [b]}",
            "values: found a list, expected one whole number, as operator is Gt",
        ),
        (
            "matchExpressions",
            "{key: a, operator: Lt, values: ['1', '2']}",
            "values: found a list, expected one whole number, as operator is Lt",
        ),
        (
            "matchExpressions",
            "{key: a, operator: In, values: ['b c']}",
            (
                "values[0]: found 'b c', "
                "expected a label's value: up to 63 letters, digits, dots, dashes and underscores"
            ),
        ),
        ("matchFields", "{key: a, operator: Exists}", "operator: found 'Exists', expected In or NotIn"),
        ("matchFields", "{key: a, operator: In, values: [b, c]}", "values: found a list, expected one value"),
        ("matchFields", "{key: a, operator: In}", "values: found nothing, expected one value"),
    ],
)
@pytest.mark.parametrize(
    ("affinity", "place"),
    [
        (
            "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [TERM]}",
            "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]",
        ),
        (
            "preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: TERM}]",
            "preferredDuringSchedulingIgnoredDuringExecution[0].preference",
        ),
    ],
)
def test_added_affinity(affinity, place, kind, requirement, message):
    affinity = affinity.replace("TERM", f"{{{kind}: [{requirement}]}}")

    found = arguments_refused("NodeAffinity", f"{{addedAffinity: {{{affinity}}}}}")

    assert found == f"addedAffinity.{place}.{kind}[0].{message}"
