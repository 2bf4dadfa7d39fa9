"""The container engine that `sam local` uses: is there one, and at which address do its containers see this machine?"""

import socket
from typing import Any, Final, Self

# What SAM itself uses, and so installed with it; it comes without types.
import docker  # type: ignore[import-untyped]

RUNTIME_IMAGE: Final = "public.ecr.aws/lambda/python:3.12-x86_64"
_BY_NAME = "host.docker.internal"
_RESOLVE = f"import socket; print(socket.gethostbyname({_BY_NAME!r}))"


class EngineMissing(Exception):
    """There is no engine to run containers with, or it cannot say what is asked; the message says what to do."""


class Engine:
    """A Docker-compatible engine that answers."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def connect(cls) -> Self:
        """The engine of DOCKER_HOST, or of the default socket. Raises EngineMissing."""
        try:
            client = docker.from_env()
            client.ping()
        except docker.errors.DockerException as error:
            raise EngineMissing(
                f"No container engine answers ({type(error).__name__}). `sam local` needs a Docker-compatible engine: "
                "start one, or let DOCKER_HOST point at its socket, and try again. Everything else runs without it."
            ) from None
        return cls(client)

    def has_runtime_image(self) -> bool:
        """Whether the Lambda base image is here, so that SAM need not look for a newer one."""
        try:
            self._client.images.get(RUNTIME_IMAGE)
        except docker.errors.ImageNotFound:
            return False
        return True

    def host_address(self) -> str:
        """This machine's IP address for a container: the bridge's gateway where that is ours, or what the engine says.

        An address and no name: S3 clients put the bucket before a host name. Raises EngineMissing.
        """
        gateway = self._gateway()
        return gateway if gateway and self.is_this_machine(gateway) else self._resolved_inside()

    @staticmethod
    def is_this_machine(address: str) -> bool:
        """Whether a server on this machine can listen there (an engine in a virtual machine has its own bridge)."""
        try:
            with socket.create_server((address, 0)):
                return True
        except OSError:
            return False

    def _gateway(self) -> str | None:
        try:
            pools = self._client.networks.get("bridge").attrs["IPAM"]["Config"]
        except docker.errors.APIError:  # another engine may have no network of that name
            return None
        return next((str(pool["Gateway"]) for pool in pools or [] if "Gateway" in pool), None)

    def _resolved_inside(self) -> str:
        try:
            said: bytes = self._client.containers.run(
                RUNTIME_IMAGE,
                ["-c", _RESOLVE],
                entrypoint="/var/lang/bin/python3.12",
                extra_hosts={_BY_NAME: "host-gateway"},
                remove=True,
            )
        except docker.errors.DockerException as error:
            raise EngineMissing(
                f"The engine does not say at which address its containers see this machine ({type(error).__name__}); "
                "set PLUMBLINE_HOST_FROM_CONTAINER to it and try again."
            ) from None
        return said.decode().strip()
