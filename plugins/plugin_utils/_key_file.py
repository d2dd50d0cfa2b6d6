# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default key store: one ansible-vault encrypted file per tenant, on the controller."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._patience import pause
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded

FORMAT = "msp.connectwise keys 1"
STORE = "key store: "
_LOCK_WAIT = 30.0  # seconds
_FILES_TRIED = 5
# What flock says while another process has the lock; anything else is no lock at all.
_LOCKED = (errno.EAGAIN, errno.EACCES, errno.EINTR)

Encrypt = Callable[[str], bytes]
Decrypt = Callable[[bytes], str]


class StoreError(PsaError):
    """Something about the store, with what to do about it; never with what the store holds."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{STORE}{problem}", remedy=remedy)


class KeyFile:
    """The records of one tenant, by name of the integration.

    Every change is a read, a comparison of versions and an atomic replacement under a lock: of two runs one wins.
    own_passphrase: this file may have another passphrase than those of the other tenants.
    """

    def __init__(
        self,
        directory: str,
        tenant: str,
        encrypt: Encrypt,
        decrypt: Decrypt,
        *,
        allow_readable: bool = False,
        own_passphrase: bool = False,
    ) -> None:
        if not directory:
            raise StoreError(
                "there is no inventory file beside which the keys could be kept",
                "set integration_store_dir to a directory that stays",
            )
        self.tenant = tenant
        self.directory = Path(directory)
        self.path = self._checked_path(tenant)
        self._encrypt = encrypt
        self._decrypt = decrypt
        self._allow_readable = allow_readable
        self._own_passphrase = own_passphrase

    def _checked_path(self, tenant: str) -> Path:
        name = f"{tenant}.yml"
        if not tenant or tenant.startswith(".") or Path(name).name != name or "\0" in name or "\\" in name:
            raise StoreError(
                f'the tenant name "{tenant}" would leave the directory {self.directory}',
                "give the inventory host a name without slashes, and without a dot at its beginning, or set "
                "integration_store_tenant",
            )
        path = self.directory / name
        if path.is_symlink():
            raise StoreError(f"{path} is a symbolic link", "replace the link by the file itself")
        return path

    def read(self, name: str) -> dict[str, Any]:
        """The record of an integration; empty when there is none."""
        return dict(self._load().get(name) or {})

    def read_all(self) -> dict[str, dict[str, Any]]:
        """The records of all integrations, by name."""
        return self._load()

    def write(self, name: str, record: Mapping[str, Any], if_version: int | None) -> int:
        """Put a record, unless the stored one is not of the version that was read. Returns the new version."""
        with self._locked():
            records = self._load()
            version = self._compared(records, name, if_version)
            records[name] = {**record, "version": version + 1}
            self._save(records)
            return version + 1

    @staticmethod
    def _compared(records: Mapping[str, Any], name: str, if_version: int | None) -> int:
        """Return the stored version. Raises StoreError if it is not the one that was read."""
        version = int((records.get(name) or {}).get("version") or 0)
        if if_version is not None and if_version != version:
            raise StoreError(
                f"the record of {name} was changed by another run (version {version}, read as {if_version})",
                "wait until the other run has ended, then run again",
            )
        return version

    def delete(self, name: str, if_version: int | None = None) -> bool:
        with self._locked():
            records = self._load()
            self._compared(records, name, if_version)
            if name not in records:
                return False
            del records[name]
            if records:
                self._save(records)
            else:
                self.path.unlink()
            return True

    def check(self, *, write: bool) -> None:
        """Find out whether a record could be written: passphrase, rights, room. write: whether trying is allowed."""
        self._require_private_folder()
        probe = self._encrypt("x" * 4096)
        if not self._own_passphrase and not self.path.exists():
            self._check_passphrase()
        if not write:
            place = self.directory
            while not place.exists() and place != place.parent:
                place = place.parent
            if not os.access(place, os.W_OK):
                raise self._unwritable(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
            return
        with self._locked():
            try:
                with tempfile.TemporaryFile(dir=self.directory) as file:
                    file.write(probe)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as problem:
                raise self._unwritable(problem) from None

    def _check_passphrase(self) -> None:
        """Raises StoreError if the passphrase opens none of the other tenants' files, for it may be mistyped."""
        tried = 0
        for file in sorted(self.directory.glob("*.yml")):
            with suppress(OSError, _files.NotAFile):
                data = _files.read_bytes(file, below=self.directory)
                if not data.startswith(b"$ANSIBLE_VAULT"):
                    continue
                tried += 1
                with suppress(StoreError):
                    self._decrypt(data)
                    return
            if tried == _FILES_TRIED:
                break
        if tried:
            raise StoreError(
                f"the passphrase does not decrypt the key files of other tenants in {self.directory}; if it is "
                f"mistyped, nobody could read the keys of {self.tenant} again",
                "give the passphrase of the other tenants; if this one is to have its own, pass it with --vault-id and "
                "set integration_store_vault_id",
            )

    def rekey(self) -> bool:
        """Encrypt the file anew, with the passphrase the encryption uses now."""
        with self._locked():
            if not self.path.exists():
                return False
            self._save(self._load())
            return True

    def _require_private_folder(self) -> None:
        """Raise StoreError if every user of this machine may replace the key files, as sshd does for its keys."""
        place = None if self._allow_readable else _files.writable_by(self.directory, stat.S_IWOTH)
        if place is not None:
            raise StoreError(
                f"every user of this machine may replace the files in {self.directory}, because {place} is open to all "
                f"(mode {stat.S_IMODE(place.stat().st_mode):04o})",
                f"chmod o-w {place}, or set integration_store_dir to another folder",
            )

    def _load(self) -> dict[str, dict[str, Any]]:
        self._require_private_folder()
        try:
            mode = self.path.stat().st_mode
            data = _files.read_bytes(self.path, below=self.directory)
        except FileNotFoundError:
            return {}
        except _files.NotAFile as problem:
            raise StoreError(problem.problem, problem.remedy) from None
        except OSError as problem:
            remedy = "give this user the right to read it"
            raise StoreError(f"{self.path} cannot be read ({problem.strerror})", remedy) from None
        if stat.S_IMODE(mode) & 0o007 and not self._allow_readable:
            raise StoreError(f"{self.path} is open to every user of this machine", f"chmod 600 {self.path}")
        try:
            text = self._decrypt(data)
        except StoreError as problem:
            raise StoreError(f"{self.path}: {problem.problem.removeprefix(STORE)}", problem.remedy) from None
        try:
            content = loaded(text)
            records = content["integrations"]
            if content["format"] != FORMAT or not all(isinstance(one, dict) for one in [records, *records.values()]):
                raise KeyError("format")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(f"{self.path} is damaged or not a key store", "restore it from a backup") from None
        if content.get("tenant") != self.tenant:
            raise StoreError(
                f"{self.path} holds the keys of tenant {content.get('tenant')}, not of {self.tenant}",
                "put the file of the right tenant there, or rename it back",
            )
        return dict(records)

    def _save(self, records: Mapping[str, Any]) -> None:
        content = {"format": FORMAT, "tenant": self.tenant, "integrations": records}
        data = self._encrypt(json.dumps(content, indent=1, sort_keys=True))
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.directory)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self.path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            folder = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as problem:
            raise self._unwritable(problem) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.directory / f".{self.path.name}.lock"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise self._unwritable(problem) from None
        try:
            deadline = time.monotonic() + _LOCK_WAIT
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as problem:
                    if problem.errno not in _LOCKED:
                        raise self._unlockable(problem) from None
                    if time.monotonic() > deadline:
                        raise StoreError(
                            f"{self.path} has been locked by another run for {_LOCK_WAIT:.0f} seconds",
                            "wait until the other run has ended, then run again",
                        ) from None
                    pause(0.05)
            self._sweep()
            yield
        finally:
            os.close(handle)

    def _sweep(self) -> None:
        """Under the lock nobody else writes: a temporary file is what a killed run left (encrypted, and incomplete)."""
        # The file of another tenant may begin with this name, such as that of acme.yml with that of acme.
        mine = re.compile(rf"\.{re.escape(self.path.name)}\.[a-z0-9_]{{8}}")
        for left in self.directory.iterdir():
            if mine.fullmatch(left.name):
                left.unlink(missing_ok=True)

    def _unlockable(self, problem: OSError) -> StoreError:
        return StoreError(
            f"the file system of {self.directory} does not support locks ({problem.strerror}), so two runs "
            "could lose a key",
            "set integration_store_dir to a folder on a local disk, or let its file system lock files (on NFS: start "
            "the lock service, and mount without nolock)",
        )

    def _unwritable(self, problem: OSError) -> StoreError:
        return StoreError(
            f"{self.directory} cannot be written ({problem.strerror})",
            _files.way_out(problem, self.directory, "integration_store_dir"),
        )
