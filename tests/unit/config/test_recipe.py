from protogcn.config.recipe import recipes
from tests.made.nano import nano_run


def recipe_of(model, network, **settings):
    return {**nano_run(**settings).to_mapping(), "model": model, "network": network}


def test_own_settings_stand_with_the_model_and_common_ones_at_the_end():
    lines = recipes(
        [
            recipe_of("protogcn", {"width": 96, "network": "protogcn"}, epochs=150),
            recipe_of("stgcnpp", {"width": 64, "network": "stgcnpp"}, epochs=80, device="cuda"),
        ]
    )
    assert lines[0] == "protogcn: network protogcn, width 96, epochs 150."
    assert lines[1] == "stgcnpp: network stgcnpp, width 64, epochs 80."
    assert lines[2].startswith("both: preparation centred, batch 5, learning rate 0.05,")
    assert "device" not in "".join(lines)


def test_a_setting_that_only_one_run_knows_is_told():
    first, second = recipe_of("a", {"network": "a"}), recipe_of("b", {"network": "b"})
    second["settings"]["nesterov"] = True
    assert recipes([first, second])[1] == "b: network b, nesterov True."
    assert recipes([first, second])[0] == "a: network a."
