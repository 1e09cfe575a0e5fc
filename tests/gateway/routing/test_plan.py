"""A set of rules on a study: order, default, stop, shadow, and models ordered by AE Title."""

from ai_models.card import ModelCard
from gateway.registry import RegisteredModel
from gateway.routing.plan import NOT_APART, NOT_REGISTERED, Plan, plan
from gateway.routing.reading import parse_rules
from gateway.routing.subject import Arrival
from tests.gateway.console_example import CARD
from tests.headers import ct_series, study

CT = [{"attribute": "Modality", "equals": "CT"}]
MR = [{"attribute": "Modality", "equals": "MR"}]


def model(name: str, **changes) -> RegisteredModel:
    card = ModelCard.model_validate(CARD | {"name": name} | changes)
    return RegisteredModel(card, "sha256:1", stage=card.stage)


MODELS = {name: model(name) for name in ("lung_ct", "spine_ct", "triage")}


def planned(*rules: dict, arrival: Arrival = Arrival(), **models: RegisteredModel) -> Plan:
    known = {**MODELS, **models}

    def runnable(name: str) -> list[RegisteredModel]:
        return [known[one] for one in (name, f"{name} in shadow") if one in known]

    return plan(parse_rules(list(rules)), study(ct_series("1.1")), arrival, runnable)


def rules_that_ran(*rules: dict, **keywords) -> list[str]:
    return [run.rule for run in planned(*rules, **keywords).runs]


def test_the_default_rule_runs_when_no_other_matched_wherever_it_stands():
    default = {"name": "else", "run": "triage", "default": True}
    ct = {"name": "ct", "run": "lung_ct", "when": CT}
    mr = {"name": "mr", "run": "lung_ct", "when": MR}

    assert rules_that_ran(default, ct, mr) == ["ct"]
    assert rules_that_ran(default, mr) == ["else"]
    assert rules_that_ran(default, ct | {"enabled": False}) == ["else"]


def test_a_rule_with_stop_is_the_last_that_is_asked_when_it_matched():
    first = {"name": "first", "run": "lung_ct", "when": CT, "stop": True}
    second = {"name": "second", "run": "spine_ct"}

    assert rules_that_ran(first, second) == ["first"]
    assert rules_that_ran(first | {"when": MR}, second) == ["second"]
    assert rules_that_ran(second, first) == ["second", "first"]


def test_any_wants_one_of_its_conditions():
    rule = {"name": "either", "run": "lung_ct", "any": [*MR, *CT]}

    assert rules_that_ran(rule) == ["either"]
    unmatched = planned(rule | {"any": MR})
    assert unmatched.runs == ()
    assert unmatched.reason == "rule either: none of Modality equals MR"


def test_a_rule_or_a_model_in_its_shadow_stage_runs_in_shadow():
    sketch = model("sketch", stage="shadow")
    by_rule, by_model = planned(
        {"name": "new", "run": "lung_ct", "stage": "shadow"},
        {"name": "live", "run": "sketch"},
        sketch=sketch,
    ).runs

    assert [(run.stage, run.reason) for run in (by_rule, by_model)] == [("shadow", "")] * 2
    assert by_rule.inputs["image"].series_instance_uid == "1.1"
    (ordered,) = planned(arrival=Arrival("PACS", "SKETCH"), sketch=sketch).runs
    assert ordered.stage == "shadow"


def test_the_version_in_shadow_runs_beside_the_live_one_on_the_same_series():
    displaced = {"lung_ct in shadow": model("lung_ct", version="0.9", stage="shadow")}
    rule = {"name": "ct", "run": "lung_ct", "when": CT, "priority": "HIGH"}

    by_rule = planned(rule, **displaced).runs
    by_order = planned(arrival=Arrival("PACS", "LUNG_CT"), **displaced).runs
    (by_shadow_rule,) = planned(rule | {"stage": "shadow"}, **displaced).runs

    for runs in (by_rule, by_order):
        assert [(run.version, run.stage) for run in runs] == [("1.0.0", "live"), ("0.9", "shadow")]
        assert runs[0].inputs == runs[1].inputs
        assert runs[0].priority is runs[1].priority
    assert by_shadow_rule.version == "1.0.0"


def test_a_shadow_rule_changes_nothing_for_the_others():
    shadow = {"name": "new", "run": "lung_ct", "stage": "shadow", "stop": True}
    second = {"name": "second", "run": "spine_ct"}
    default = {"name": "else", "run": "triage", "default": True}

    assert rules_that_ran(shadow, second) == ["new", "second"]
    assert rules_that_ran(shadow, default) == ["new", "else"]
    ordered = planned(shadow, arrival=Arrival("PACS", "LUNG_CT")).runs
    assert [run.stage for run in ordered] == ["live", "shadow"]


def test_what_runs_outside_cannot_be_kept_apart():
    outside = model("far", runtime={"kind": "ups", "entry": ""})
    (run,) = planned({"name": "far", "run": "far", "stage": "shadow"}, far=outside).runs

    assert run.reason == NOT_APART


def test_stat_is_high_priority():
    (run,) = planned({"name": "stat", "run": "lung_ct", "priority": "STAT"}).runs

    assert run.priority == "HIGH"


def test_a_rule_without_a_priority_takes_that_of_the_card():
    urgent = model("stroke", resources={"priority": "HIGH"})
    slower = model("stroke", version="0.9", stage="shadow", resources={"priority": "LOW"})
    known = {"stroke": urgent, "stroke in shadow": slower}
    rule = {"name": "ct", "run": "stroke"}

    assert [run.priority for run in planned(rule, **known).runs] == ["HIGH", "HIGH"]
    ordered = planned(arrival=Arrival("PACS", "STROKE"), **known).runs
    assert [run.priority for run in ordered] == ["HIGH", "HIGH"]
    told, _ = planned(rule | {"priority": "LOW"}, **known).runs
    assert told.priority == "LOW"
    (unset,) = planned(rule | {"run": "lung_ct"}).runs
    assert unset.priority == "MEDIUM"


def test_a_called_ae_title_that_names_a_model_runs_it_and_no_default_rule():
    default = {"name": "else", "run": "triage", "default": True}
    ordered = Arrival("PACS", "SPINE_CT")

    (run,) = planned(default, arrival=ordered).runs

    assert (run.rule, run.model, run.reason) == ("", "spine_ct", "")


def test_a_model_that_a_rule_runs_is_not_ordered_a_second_time():
    ct = {"name": "ct", "run": "lung_ct", "when": CT, "priority": "HIGH"}

    assert rules_that_ran(ct, arrival=Arrival("PACS", "LUNG_CT")) == ["ct"]


def test_a_model_of_which_nothing_runs_is_told():
    (run,) = planned({"name": "gone", "run": "liver"}).runs

    assert run.reason == NOT_REGISTERED


def test_settings_of_completion_are_read():
    (rule,) = parse_rules(
        [
            {
                "name": "ct",
                "run": "lung_ct",
                "completion": {
                    "quiet_seconds": 3,
                    "required_series": CT,
                    "expected": True,
                    "late": "amend",
                },
            }
        ]
    )
    assert rule.completion is not None
    assert (rule.completion.quiet_seconds, rule.completion.late) == (3, "amend")
    assert str(rule.completion.required_series[0]) == "Modality equals CT"
