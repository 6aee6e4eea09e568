from __future__ import annotations

import pytest

from gitassets.domain.dvc_settings import (
    DvcSettings,
    RemoteSettings,
    filter_place,
    filter_tuning,
    find_option_problem,
    is_known,
    iter_branch_problems,
    list_own_options,
    merge_settings,
)

STORE = RemoteSettings("store", {"url": "s3://bucket/x", "endpointurl": "https://minio"})


def test_remote_settings_as_text_show_url_and_options() -> None:
    assert str(STORE) == "store: s3://bucket/x (endpointurl=https://minio)"
    assert str(RemoteSettings("local", {"url": "/srv/store"})) == "local: /srv/store"


def test_merge_settings_lets_later_levels_override_single_keys() -> None:
    keys = RemoteSettings("store", {"secret_access_key": "hush", "endpointurl": "https://other"})
    merged = merge_settings(
        [DvcSettings("store", {"store": STORE}, {"core.x": "1"}), DvcSettings(None, {"store": keys})]
    )
    assert merged.default == "store"
    assert merged.remotes["store"].options == {
        "url": "s3://bucket/x", "endpointurl": "https://other", "secret_access_key": "hush",
    }  # fmt: skip
    assert merged.others == {"core.x": "1"}


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({}, None),
        ({"core.autostage": "false", "cache.type": "reflink,copy", "core.analytics": "true"}, None),
        ({"core.autostage": "true"}, "sets core.autostage to 'true'"),
        ({"cache.type": "symlink"}, "endanger approved bytes"),
        ({"cache.dir": "/x"}, "sets cache.dir"),
        ({"core.site_cache_dir": "/x"}, "sets core.site_cache_dir"),
        ({"core.hardlink_lock": "true"}, "sets core.hardlink_lock"),
        ({'machine "x".startup_script': "x.sh"}, "for each user to set"),
    ],
)
def test_branch_settings_with_unsafe_keys_are_reported(others: dict[str, str], problem: str | None) -> None:
    found = list(iter_branch_problems(DvcSettings(others=others)))
    assert (found == []) if problem is None else (problem in found[0])


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"url": "s3://bucket/x", "endpointurl": "https://minio"}, True),
        ({"url": "s3://bucket/x"}, True),  # What it leaves out, the known one says.
        ({"url": "s3://bucket/y", "endpointurl": "https://minio"}, False),
        ({"url": "s3://bucket/x", "endpointurl": "https://evil"}, False),
        ({"url": "s3://bucket/x", "profile": "admin"}, False),
        ({"endpointurl": "https://minio"}, False),
    ],
)
def test_is_known_requires_same_url_and_no_additional_options(options: dict[str, str], known: bool) -> None:
    assert is_known(RemoteSettings("any-name", options), [STORE]) == known


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "s3://x/y", "region": "eu", "verify": "true", "jobs": "4"}, None),
        ({"url": "ssh://host/x", "port": "22", "user": "ann"}, None),
        ({"url": "/srv/films", "shared": "group"}, None),
        ({"url": "file:///srv/films"}, None),
        ({"url": "remote://store/x"}, "stands for another remote"),
        ({"url": "REMOTE://store/x"}, "stands for another remote"),
        ({"url": "git://host/x"}, "of a kind that a branch may not bring along"),
        ({"url": "dvc://host/x"}, "of a kind that a branch may not bring along"),
        ({"url": "s3+x://host/x"}, "of a kind that a branch may not bring along"),
        ({"url": "s3://x/\x1b[2J"}, "names no place"),
        ({"url": "file://../x"}, "names no place"),
        ({}, "names no place"),
    ],
)
def test_find_option_problem_reports_unsafe_remote_urls_and_options(
    options: dict[str, str], problem: str | None
) -> None:
    found = find_option_problem(RemoteSettings("theirs", options))
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_branch_may_set_only_listed_options_of_all_dvc_remote_options() -> None:
    """New options of DVC are reserved for users until somebody has reviewed them."""
    from dvc.config_schema import REMOTE_SCHEMAS

    theirs = {str(key) for schema in REMOTE_SCHEMAS.values() for key in schema} | {"an_option_of_tomorrow"}
    settable = {one for one in theirs if not list_own_options(RemoteSettings("x", {one: "1"}))}
    assert settable == {
        "url", "port", "user", "account_name", "auth", "region", "projectname", "method", "allow_anonymous_login",
        "verify", "timeout", "connect_timeout", "read_timeout", "shared", "jobs", "checksum_jobs",
    }  # fmt: skip


def test_filter_tuning_and_filter_place_drop_options_that_redirect_a_known_remote() -> None:
    said = {"url": "s3://b", "port": "1", "user": "x", "region": "eu", "endpointurl": "https://evil", "jobs": "4"}
    assert filter_tuning(RemoteSettings("x", said)) == {"region": "eu", "jobs": "4"}
    assert filter_place(RemoteSettings("x", said)) == {key: said[key] for key in said if key != "endpointurl"}
