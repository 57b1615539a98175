from protogcn.config.recipe import flattened, recipe_lines, settings_digest, shared_and_own
from tests.made.nano import nano_run
from tests.made.page_results import CLASSES, scores_of


def trained(model, network, **settings):
    return {**nano_run(**settings).to_mapping(), "model": model, "network": network}


def test_settings_are_split_into_shared_and_own():
    assert shared_and_own([{"x": 1, "y": 2}, {"x": 1, "y": 3}]) == ({"x": 1}, {"y": [2, 3]})
    assert shared_and_own([{"x": "1"}, {}], absent="") == ({}, {"x": ["1", ""]})
    assert shared_and_own([]) == ({}, {})


def test_own_settings_stand_with_the_model_and_shared_ones_at_the_end():
    lines = recipe_lines(
        [
            trained("protogcn", {"width": 96, "network": "protogcn"}, epochs=150),
            trained("stgcnpp", {"width": 64, "network": "stgcnpp"}, epochs=80, device="cuda"),
        ]
    )
    assert lines[0] == "protogcn: network protogcn, width 96, epochs 150."
    assert lines[1] == "stgcnpp: network stgcnpp, width 64, epochs 80."
    assert lines[2].startswith("both: preparation centred, batch 5, learning rate 0.05,")
    assert "device" not in "".join(lines)


def test_a_setting_that_only_one_run_knows_is_reported():
    first, second = trained("a", {"network": "a"}), trained("b", {"network": "b"})
    second["settings"]["nesterov"] = True
    assert recipe_lines([first, second])[1] == "b: network b, nesterov True."
    assert recipe_lines([first, second])[0] == "a: network a."


def test_cpu_threads_are_no_part_of_a_recipe():
    runs = [trained("a", {"network": "a"}, cpu_threads=number) for number in (1, 2)]
    assert "threads" not in "".join(recipe_lines(runs))


def test_digest_is_of_what_shapes_the_scores_and_not_of_the_engine():
    run = nano_run().to_mapping()
    assert settings_digest(run) == settings_digest(nano_run(device="cuda").to_mapping())
    for other in (nano_run(seed=1).to_mapping(), {**run, "model": "other"}):
        assert settings_digest(other) != settings_digest(run)


def test_provenance_is_flat_with_the_settings_first():
    runs = [
        flattened(scores_of("protogcn", s, [[0], [1], [2], [3]], batch=b).provenance)
        for s, b in (("j", 5), ("b", 7))
    ]
    shared, own = shared_and_own(runs)
    assert own == {"settings.batch": ["5", "7"]}
    assert next(iter(shared)).startswith("settings.")
    assert shared["settings.learning_rate"] == "0.05"
    assert shared["network.prototypes"] == "10"
    assert shared["dataset.classes"] == ", ".join(CLASSES)
    assert shared["trained by.versions.torch"] == "2.13.0"


def test_a_score_file_of_before_the_section_engine_is_of_the_same_training():
    run = nano_run().to_mapping()
    engine = {**run["engine"], "fused_passes": True}
    old = {**run, "settings": {**run["settings"], **engine}}
    del old["engine"]
    assert settings_digest(old) == settings_digest(run)
    assert recipe_lines([old, run]) == recipe_lines([run, run])
