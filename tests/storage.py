"""Where blobs are shared: a folder, and S3 over HTTP as moto's server speaks it. Both are looked into past DVC."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gitassets.domain.dvc_settings import RemoteSettings

_numbers = itertools.count(1)
KEYS = {"access_key_id": "anybody", "secret_access_key": "anything", "region": "us-east-1"}


class Storage(Protocol):
    url: str

    def settings(self) -> RemoteSettings: ...
    def names(self) -> set[str]:
        """What is stored, by the names of the blobs."""
        ...

    def read(self, name: str) -> bytes: ...
    def write(self, name: str, data: bytes) -> None: ...
    def remove(self, name: str) -> None: ...


@dataclass
class FolderStorage:
    root: Path

    @property
    def url(self) -> str:
        return str(self.root)

    def settings(self) -> RemoteSettings:
        return RemoteSettings("store", {"url": self.url})

    def _path(self, name: str) -> Path:
        return self.root / "files" / "md5" / name[:2] / name[2:]

    def names(self) -> set[str]:
        blobs = self.root / "files" / "md5"
        return {path.parent.name + path.name for path in blobs.rglob("*") if path.is_file()}

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        self._path(name).unlink(missing_ok=True)
        self._path(name).write_bytes(data)
        self._path(name).chmod(0o444)

    def remove(self, name: str) -> None:
        self._path(name).unlink()


@dataclass
class S3Storage:
    client: Any
    bucket: str
    endpoint: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/blobs"

    def settings(self) -> RemoteSettings:
        return RemoteSettings("store", {"url": self.url, "endpointurl": self.endpoint, **KEYS})

    @staticmethod
    def _key(name: str) -> str:
        return f"blobs/files/md5/{name[:2]}/{name[2:]}"

    def names(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {"".join(key.split("/")[-2:]) for key in keys}

    def read(self, name: str) -> bytes:
        data: bytes = self.client.get_object(Bucket=self.bucket, Key=self._key(name))["Body"].read()
        return data

    def write(self, name: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self._key(name), Body=data)

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self._key(name))


@contextmanager
def serve_s3() -> Iterator[Any]:
    """A client of a server that keeps everything in memory."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield boto3.client(
            "s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1",
            aws_access_key_id=KEYS["access_key_id"], aws_secret_access_key=KEYS["secret_access_key"],
        )  # fmt: skip
    finally:
        server.stop()


def make_bucket(client: Any) -> S3Storage:
    bucket = f"bucket-{next(_numbers)}"
    client.create_bucket(Bucket=bucket)
    return S3Storage(client, bucket, client.meta.endpoint_url)
