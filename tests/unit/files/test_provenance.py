import json
import socket

from protogcn.files.provenance import has_changes, made_here


def test_what_is_made_here_has_commit_versions_and_hardware():
    found = made_here()
    assert {"commit", "versions", "hardware"} == found.keys()
    assert {"protogcn", "python", "torch", "numpy"} == found["versions"].keys()
    assert found["hardware"]["cpu"]
    assert found["hardware"]["cores"] >= 1
    assert isinstance(has_changes(), bool)


def test_nothing_of_it_names_the_machine():
    host = socket.gethostname()
    assert host not in json.dumps(made_here()["hardware"])
