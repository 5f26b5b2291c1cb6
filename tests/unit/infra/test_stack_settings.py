from pathlib import Path

import pytest
import yaml

from infra import stack_settings as module
from infra.settings import SettingsError
from infra.stack_settings import own_settings, stack_settings


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
