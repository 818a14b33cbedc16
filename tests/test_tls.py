"""Dask with TLS: a certificate of the right authority opens the door; all others are told why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from support.clips import clip_here
from support.commands import Run, fails, strange_lines
from support.paths import SAMPLE
from support.services import service

from luigi_gif.errors import ClusterError
from luigi_gif.execution import dask_cluster as clusters
from luigi_gif.settings import dask as Settings  # noqa: N812

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tls")]

TLS = "DASK_DISTRIBUTED__COMM__TLS__"
REQUIRED = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True"}
LOOPBACK = ("--host", "tls://127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
ROLES = ("SCHEDULER", "WORKER", "CLIENT")


class Authority:
    """Files of an authority and of a certificate that it has issued for this machine."""

    def __init__(self, folder: Path) -> None:
        import trustme  # with cryptography: no other process of the tests needs it

        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        self.ca_file = str(folder / "ca.pem")
        self.certificate = str(folder / "node.pem")
        self.key = str(folder / "node.key")
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.cert_chain_pems[0].write_to_path(self.certificate)
        certificate.private_key_pem.write_to_path(self.key)

    @property
    def trusted(self) -> dict[str, str]:
        """What has a process trust those with a certificate of this authority."""
        return {f"{TLS}CA_FILE": self.ca_file}

    @property
    def shown(self) -> dict[str, str]:
        """What has a process show its certificate."""
        certificates = {f"{TLS}{role}__CERT": self.certificate for role in ROLES}
        return certificates | {f"{TLS}{role}__KEY": self.key for role in ROLES}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of the cluster."""
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another one."""
    return Authority(tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="module")
def secured(ours: Authority) -> Iterator[str]:
    """The address of a scheduler with a worker, which let nobody in without a certificate."""
    environment = {**REQUIRED, **ours.trusted, **ours.shown}
    dask = (sys.executable, "-P", "-m", "dask")
    with (
        service(
            *dask, "scheduler", *LOOPBACK, "--port", "0",
            ready=r"Scheduler at:\s+(tls://\S+)",
            **environment,
        ) as scheduler,
        service(
            *dask, "worker", scheduler.address, *LOOPBACK, "--nthreads", "1", "--no-nanny",
            ready=r"Registered to:\s+(\S+)",
            **environment,
        ),
    ):  # fmt: skip
        yield scheduler.address


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """The address of a scheduler that encrypts nothing."""
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    ) as scheduler:
        yield scheduler.scheduler_address


def test_a_cluster_with_tls_makes_the_same_clip(
    luigi: Run, secured: str, ours: Authority, tmp_path: Path, mixed_bundle: bytes
) -> None:
    """With the variables that docs/scaling.md names, and no other word than without."""
    (tmp_path / "bundle.img").write_bytes(mixed_bundle)
    flags = ("--url", "bundle.img", "--workdir", "work", "--dask-address", secured)
    result = luigi(*flags, python=("-X", "dev"), **REQUIRED, **ours.trusted, **ours.shown)
    assert result.returncode == 0, result.stderr
    clip = clip_here(tmp_path / "bundle.img", tmp_path / "whole").read_bytes()
    assert (tmp_path / "work" / "clip.gif").read_bytes() == clip
    assert not strange_lines(result.stderr)


def refused(address: str, reason: str, environment: dict[str, str]) -> None:
    """With these variables, as Dask reads them when it is imported."""
    import dask

    names = {name: name.removeprefix("DASK_").lower().replace("__", ".") for name in environment}
    values = {names[name]: value for name, value in environment.items()}
    with (
        dask.config.set(values),
        pytest.raises(ClusterError, match="the Dask scheduler cannot be reached") as error,
        clusters.open_cluster(Settings(address=address)),
    ):
        pass
    assert error.value.where == address
    assert reason in error.value.got


def test_without_a_certificate_nothing_is_asked(luigi: Run, secured: str, ours: Authority) -> None:
    """Whether the authority is known or not."""
    reason = "check your TLS configuration"
    for environment in ({}, ours.trusted, ours.shown):
        refused(secured, reason, environment)
    result = luigi("--url", str(SAMPLE), "--workdir", "work", "--dask-address", secured)
    fails(result, "the Dask scheduler cannot be reached", f"where:    {secured}\n", reason)


def test_certificates_that_are_not_there_are_named(
    secured: str, ours: Authority, tmp_path: Path
) -> None:
    """In the words of the operating system."""
    environment = {**ours.trusted, **ours.shown, f"{TLS}CLIENT__KEY": str(tmp_path / "none")}
    refused(secured, "No such file or directory", environment)


def test_a_scheduler_of_another_authority_is_not_believed(
    secured: str, ours: Authority, theirs: Authority
) -> None:
    """Whoever has issued our own certificate."""
    for shown in (ours.shown, theirs.shown):
        refused(secured, "TLS certificate does not match", {**theirs.trusted, **shown})


def test_a_certificate_of_another_authority_is_not_believed(
    secured: str, ours: Authority, theirs: Authority
) -> None:
    """The scheduler hangs up."""
    refused(secured, "TLS (closed)", {**ours.trusted, **theirs.shown})


def test_a_scheduler_with_tls_does_not_talk_without(secured: str) -> None:
    """It hangs up."""
    refused(secured.replace("tls://", "tcp://"), "TCP (closed)", {})


def test_a_scheduler_without_tls_does_not_talk_with_it(plain: str, ours: Authority) -> None:
    """What it answers is not TLS."""
    address = plain.replace("tcp://", "tls://")
    refused(address, "SSL", {**ours.trusted, **ours.shown})


def test_where_encryption_is_required_nothing_goes_out_without(
    plain: str, secured: str, ours: Authority
) -> None:
    """Whether the scheduler would talk or not."""
    environment = {**REQUIRED, **ours.trusted, **ours.shown}
    for address in (plain, secured.replace("tls://", "tcp://")):
        refused(address, "encryption required by Dask configuration", environment)
