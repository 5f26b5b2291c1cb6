from pathlib import Path

import pytest
import yaml

from infra import stack_settings as module
from infra.settings import SettingsError
from infra.stack_settings import own_settings, stack_settings, write_settings


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    return tmp_path


def says(project: Path, **config: object) -> None:
    (project / "Pulumi.other.yaml").write_text(yaml.safe_dump({"config": config}))


def test_a_stacks_file_goes_before_the_defaults_and_what_is_given_before_it(project: Path) -> None:
    says(project, **{"breakwater:release": "3.1", "breakwater:portOffset": 700, "pulumi:tags": {"a": "b"}})
    assert stack_settings("other").release == "3.1"
    assert stack_settings("other").port_offset == 700
    assert stack_settings("other", release="4", registry=None).release == "4"
    assert stack_settings("unknown").release == "0.1.0"
    assert own_settings("other") == {"release": "3.1", "portOffset": 700}


def test_what_pulumi_config_set_writes_as_text_is_what_it_means(project: Path) -> None:
    says(project, **{"breakwater:chaos": "false", "breakwater:portOffset": "700", "breakwater:consumers": '["a","b"]'})
    settings = stack_settings("other")
    assert (settings.chaos, settings.port_offset, settings.consumers) == (False, 700, ("a", "b"))


def test_a_file_without_settings_has_the_defaults(project: Path) -> None:
    (project / "Pulumi.other.yaml").write_text("encryptionsalt: v1:x\n")
    assert stack_settings("other").chaos


def test_a_wrong_setting_is_named(project: Path) -> None:
    says(project, **{"breakwater:target": "moon"})
    with pytest.raises(SettingsError, match="target is 'moon'"):
        stack_settings("other")


def test_settings_are_written_into_the_file_and_all_else_in_it_stays(project: Path) -> None:
    file = project / "Pulumi.other.yaml"
    file.write_text("# Mine.\nencryptionsalt: v1:x\nconfig:\n  # The port.\n  breakwater:portOffset: 700\n")
    before = file.read_text()
    write_settings("other", {"release": "2", "candidate": "3", "candidateWeights": ["query=10", "ingestion=0"]})
    settings = stack_settings("other")
    assert (settings.release, settings.candidate, settings.port_offset) == ("2", "3", 700)
    assert settings.candidate_weights == {"query": 10, "ingestion": 0}
    assert "# Mine." in file.read_text()
    assert "  # The port." in file.read_text()
    write_settings("other", {"release": "0.1.0", "candidate": "", "candidateWeights": []})
    assert file.read_text() == before
    assert [path.name for path in project.glob("Pulumi.other.*")] == [file.name]


def test_a_list_that_pulumi_wrote_in_several_lines_is_replaced_as_a_whole(project: Path) -> None:
    says(project, **{"breakwater:candidateWeights": ["query=1", "ingestion=2"], "breakwater:candidate": "3"})
    write_settings("other", {"candidateWeights": ["query=9"]})
    assert own_settings("other") == {"candidateWeights": ["query=9"], "candidate": "3"}


def test_a_stack_that_has_no_file_yet_gets_one(project: Path) -> None:
    write_settings("new", {"release": "2"})
    assert own_settings("new") == {"release": "2"}


def test_a_file_that_is_written_otherwise_is_refused_and_left_alone(project: Path) -> None:
    file = project / "Pulumi.other.yaml"
    file.write_text('config:\n  "breakwater:release": "1"\n')
    with pytest.raises(SettingsError, match=r"Pulumi\.other\.yaml is not as `pulumi config set` writes it"):
        write_settings("other", {"release": "2"})
    assert own_settings("other") == {"release": "1"}
    assert [path.name for path in project.glob("Pulumi.other.*")] == [file.name]
