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


def test_a_remote_is_shown_with_all_that_it_says() -> None:
    assert str(STORE) == "store: s3://bucket/x (endpointurl=https://minio)"
    assert str(RemoteSettings("local", {"url": "/srv/store"})) == "local: /srv/store"


def test_later_levels_go_before_earlier_ones_key_by_key() -> None:
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
def test_what_a_branch_may_set(others: dict[str, str], problem: str | None) -> None:
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
def test_known_is_the_same_place_with_nothing_more_said_of_it(options: dict[str, str], known: bool) -> None:
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
def test_which_remotes_of_a_branch_can_be_accepted(options: dict[str, str], problem: str | None) -> None:
    found = find_option_problem(RemoteSettings("theirs", options))
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_of_all_the_options_that_dvc_knows_few_are_for_a_branch_to_set() -> None:
    """Whatever DVC learns to take is for each user to set, until somebody has thought about it."""
    from dvc.config_schema import REMOTE_SCHEMAS

    theirs = {str(key) for schema in REMOTE_SCHEMAS.values() for key in schema} | {"an_option_of_tomorrow"}
    settable = {one for one in theirs if not list_own_options(RemoteSettings("x", {one: "1"}))}
    assert settable == {
        "url", "port", "user", "account_name", "auth", "region", "projectname", "method", "allow_anonymous_login",
        "verify", "timeout", "connect_timeout", "read_timeout", "shared", "jobs", "checksum_jobs",
    }  # fmt: skip


def test_of_a_known_remote_a_branch_says_nothing_that_leads_elsewhere() -> None:
    said = {"url": "s3://b", "port": "1", "user": "x", "region": "eu", "endpointurl": "https://evil", "jobs": "4"}
    assert filter_tuning(RemoteSettings("x", said)) == {"region": "eu", "jobs": "4"}
    assert filter_place(RemoteSettings("x", said)) == {key: said[key] for key in said if key != "endpointurl"}
