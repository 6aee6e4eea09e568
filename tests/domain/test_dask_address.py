import pytest

from gitassets.domain.dask_address import is_encrypted, parse_dask_address
from gitassets.errors import UsageError

ALLOWED = {
    "tls://render.example.org:8786": "tls://render.example.org:8786",
    "tls://10.0.0.7:8786/": "tls://10.0.0.7:8786",
    "tls://[2001:db8::7]:8786": "tls://[2001:db8::7]:8786",
    "127.0.0.1:8786": "tcp://127.0.0.1:8786",
    "tcp://127.1.2.3:8786": "tcp://127.1.2.3:8786",
    "tcp://localhost:8786": "tcp://localhost:8786",
    "tcp://[::1]:8786": "tcp://[::1]:8786",
    "inproc://10.0.0.7/4711/1": "inproc://10.0.0.7/4711/1",
}
UNENCRYPTED = [
    "10.0.0.7:8786", "tcp://10.0.0.7:8786", "tcp://render.example.org:8786", "tcp://localhost.example.org:8786",
    "tcp://127.0.0.1.example.org:8786", "tcp://0.0.0.0:8786", "tcp://[::]:8786", "tcp://[2001:db8::7]:8786",
    "tcp://2130706433:8786", "tcp://0x7f.0.0.1:8786", "tcp://[::ffff:10.0.0.7]:8786",
]  # fmt: skip
OTHER_SCHEMES = ["ws://10.0.0.7:8786", "wss://10.0.0.7:8786", "ucx://10.0.0.7:8786", "http://127.0.0.1:8786"]
NO_ADDRESS = [
    "", "tls://", "tls://host", "tls://host:0", "tls://host:65536", "tls://host:8786/path", "tls://me@host:8786",
    "tls://host:8786?x=1", "tls://a b:8786", "tcp://127.0.0.1@evil.example:8786", "tcp://127.0.0.1:8786\n", "tcp://:8786",
    "TLS://host:8786", "file:///etc/passwd", "inproc://x", "8786",
]  # fmt: skip


@pytest.mark.parametrize(("text", "address"), ALLOWED.items())
def test_address_that_is_encrypted_or_on_this_machine_is_taken(text: str, address: str) -> None:
    assert parse_dask_address(text) == address
    assert is_encrypted(address) == text.startswith("tls://")


@pytest.mark.parametrize("text", UNENCRYPTED)
def test_unencrypted_address_of_another_machine_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="would not be encrypted") as caught:
        parse_dask_address(text)
    assert "tls://HOST:PORT" in caught.value.hint


@pytest.mark.parametrize("text", OTHER_SCHEMES)
def test_address_of_another_scheme_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="gitassets does not speak"):
        parse_dask_address(text)


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no address of a Dask scheduler"):
        parse_dask_address(text)
