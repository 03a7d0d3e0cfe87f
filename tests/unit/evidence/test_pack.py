"""A pack: what is in it, that it holds, and that whatever is altered is named."""

from __future__ import annotations

import hashlib
import json
import random
import stat
import subprocess
import tarfile
from html import escape
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from judged_runs import BEGAN_WALL, judged_run
from msgspec.structs import replace

from drill.errors import InputError, SetupError, UsageError
from drill.evidence.envelope import SignedFile, opened, sign
from drill.evidence.keys import make_key, public_of, read_private, read_public
from drill.evidence.layout import write_archive
from drill.evidence.pack import ENVELOPE, PACKED, MadePack, Packed, StatedVerdict, pack
from drill.evidence.plan import seal, seal_of
from drill.evidence.secret import without_secrets
from drill.evidence.verify import verify
from drill.report import write_report
from drill.run.facts import read_facts, write_facts
from drill.run.manifest import write_manifest
from drill.run.stored import read_verdicts
from tests.unit.judge.recorded_drill import command

PLAN = """\
title: Quarterly recovery test
objectives:
- {name: Users are served again, criterion: recovered, at_most: 900, line: 17}
scenarios:
- {scenario: The scale-up brings the service back, plausible: a slip of the keyboard}
scope: [the application]
assumptions: [the node lives]
success: [every objective is met]
people: [{name: A. Person, role: leads the exercise}]
place: this machine
next: 2027-03-01
"""
SECRETS = {
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAplanted\n-----END RSA PRIVATE KEY-----",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJlcGxhbnRlZA",
    "authorization": "Authorization: Bearer planted-token-0123456789",
    "basic": "curl -H 'Authorization: Basic cGxhbnRlZDpzZWNyZXQ='",
    "cloud": "AKIAPLANTEDPLANTED12",
    "forge": "ghp_plantedplantedplantedplantedplanted12",
    "kubeconfig": "    client-key-data: cGxhbnRlZHBsYW50ZWRwbGFudGVkcGxhbnRlZA==",
    "address": "redis://:planted-password@redis:6379/0",
    "variable": "REDIS_PASSWORD=planted-password",
    "setting": '{"db_password": "planted-password"}',
    "within JSON": '{\\"client_secret\\": \\"planted-password\\"}',
    "flag": "redis-cli -h redis -a planted-password PING",
    "option": "mysql --password planted-password",
    "environment": "PATH=/bin\nGITHUB_TOKEN=planted-token\nHOME=/root",
    "a container's environment in JSON": '{"name": "DB_PASSWORD", "value": "planted-password"}',
    "a container's environment in YAML": "- name: API_TOKEN\n  value: planted-token",
    "user of curl": "curl -sS -u admin:planted-password https://host/",
    "Redis": "redis-cli AUTH planted-password",
    "Redis's setting": "CONFIG SET requirepass planted-password",
    "in a page": "&#34;db_password&#34;: &#34;planted-password&#34;",
    "with signs": "password: 'a$(planted), planted & planted'",
    "a variable with signs": "DB_PASSWORD=ab$planted,planted",
    "short names": "DB_PASS=planted-password",
    "a token by that name": '{"token": "planted-token"}',
    "a secret by that name": "SECRET=planted-secret",
    "in one word": '{"accessToken": "planted-token", "n": 1}',
    "another scheme": "Authorization: token planted-token",
    "a key with a password of its own": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,0011\n\nplantedplanted\n-----END RSA PRIVATE KEY-----",
    "a key of PGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2.4.4\n\nplanted\n"
    "-----END PGP PRIVATE KEY BLOCK-----",
    "a key in base64": "tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCnBsYW50ZWRwbGFudGVk",
    "Redis's other password": "masterauth planted-password",
    "of packages": "npm_plantedplantedplanted12",
    "of a service": "sk-plantedplantedplanted",
    "of a cloud": "AIzaplantedplantedplantedplantedplanted",
    "a short option": "redis-cli --pass planted-password",
}
PLANTED = ("planted", "cGxhbnRlZ", "nBsYW50ZWRw", "AKIAPLANTED", "eyJzdWIiOiJwbGFudGVkIn0")


@pytest.fixture
def key(tmp_path: Path) -> Ed25519PrivateKey:
    make_key(tmp_path / "keys" / "evidence.key")
    return read_private(tmp_path / "keys" / "evidence.key")


@pytest.fixture
def public(tmp_path: Path, key: Ed25519PrivateKey) -> Ed25519PublicKey:
    return read_public(tmp_path / "keys" / "evidence.pub")


def packed(tmp_path: Path, key: Ed25519PrivateKey, **changes: object) -> MadePack:
    return pack(judged_run(tmp_path / "reports", **changes), tmp_path / "one.tar", key)  # type: ignore[arg-type]


def test_a_pack_holds_and_is_judged_again(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    found = verify(packed(tmp_path, key).path, public)
    assert found.troubles == ()
    assert found.packed is not None
    assert [(each.drill, each.verdict) for each in found.packed.verdicts] == [("scaled", "pass")]
    assert (found.packed.run, found.judged, found.packed.not_packed) == ("one", 1, ["allure/"])


def test_tar_reads_it_and_the_statement_lists_every_file(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    made = packed(tmp_path, key)
    with tarfile.open(made.path) as archive:
        names = archive.getnames()
        content = archive.extractfile(ENVELOPE)
        assert content is not None
        subjects, _ = opened(content.read(), PACKED, Packed, public)
    assert names == [ENVELOPE, *(each.name for each in subjects)]
    assert "run/evidence/scaled/requests.jsonl" in names
    assert not [name for name in names if "allure" in name]


def test_one_flipped_bit_anywhere_is_named(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    """Bytes of all parts of the archive, most of them of headers and of the end: their file is named."""
    path = packed(tmp_path, key).path
    good = path.read_bytes()
    with tarfile.open(path) as archive:
        members = [(each.name, each.offset, each.offset_data) for each in archive.getmembers()]
    starts = [*(offset for _, offset, _ in members[1:]), len(good) - 1024]
    choose = random.Random(5)
    places = {choose.randrange(block, min(block + 512, len(good))) for block in range(0, len(good), 65536)}
    for name, offset, data in members[:4]:
        places |= set(range(offset, data, 41)) if name else set()
    places |= set(range(len(good) - 1024, len(good), 201)) | {
        0,
        1,
        99,
        124,
        148,
        156,
        257,
        511,
        512,
        len(good) - 1,
    }
    altered = tmp_path / "altered.tar"
    for place in sorted(places):
        content = bytearray(good)
        content[place] ^= 1 << choose.randrange(8)
        altered.write_bytes(content)
        troubles = verify(altered, public).troubles
        inside = [name for (name, start, _), end in zip(members, starts, strict=True) if start <= place < end]
        named = inside[0] if inside else "archive"
        assert troubles, f"byte {place}, in {named}"
        assert all(each.startswith(f"{named}: ") for each in troubles), (place, named, troubles)


@pytest.mark.parametrize("count", [1, 511, 512, 1024, 5000])
def test_what_is_cut_off_or_added_is_named(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey, count: int
) -> None:
    path = packed(tmp_path, key).path
    good = path.read_bytes()
    for content in (good[:-count], good + bytes(count)):
        path.write_bytes(content)
        assert verify(path, public).troubles


def test_another_key_does_not_hold(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    made = packed(tmp_path, key)
    other = read_public(make_key(tmp_path / "other" / "evidence.key"))
    (trouble,) = verify(made.path, other).troubles
    assert "it was signed by the key" in trouble


def test_verdicts_that_do_not_follow_from_the_recording_are_named(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the key can sign anything; the recordings say otherwise."""
    folder = judged_run(tmp_path / "reports", failing=set(range(3700, 6700, 30)))
    verdict = folder / "evidence" / "scaled" / "verdict.json"
    assert json.loads(verdict.read_text())["verdict"] == "fail"
    claimed = json.loads(verdict.read_text()) | {"verdict": "pass"}
    verdict.write_text(json.dumps(claimed))
    write_manifest(folder)
    with pytest.raises(SetupError, match="get another verdict than the run's: scaled"):
        pack(folder, tmp_path / "one.tar", key)
    monkeypatch.setattr("drill.evidence.pack._refuse_other_verdicts", lambda *_: None)
    made = pack(folder, tmp_path / "one.tar", key)
    (trouble,) = verify(made.path, public).troubles
    assert trouble.startswith("scaled: stated as pass, judged again from its recording: fail")


def test_a_drill_that_the_pack_has_and_says_nothing_of_is_named(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = judged_run(tmp_path / "reports")
    (folder / "evidence" / "scaled" / "verdict.json").unlink()
    write_manifest(folder)
    with pytest.raises(SetupError, match=r"scaled \(it has none\)"):
        pack(folder, tmp_path / "one.tar", key)
    monkeypatch.setattr("drill.evidence.pack._refuse_other_verdicts", lambda *_: None)
    made = pack(folder, tmp_path / "one.tar", key)
    assert verify(made.path, public).troubles == (
        "scaled: the pack has its recording or verdict, and states none",
    )


def test_a_statement_without_the_size_of_each_file_is_named(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    made = packed(tmp_path, key)
    with tarfile.open(made.path) as archive:
        envelope = archive.extractfile(ENVELOPE)
        assert envelope is not None
        subjects, said = opened(envelope.read(), PACKED, Packed, public)
    other = sign(subjects, PACKED, replace(said, sizes=said.sizes[1:]), key)
    with made.path.open("wb") as file:
        write_archive(file, (ENVELOPE, other), tmp_path, [])
    (trouble,) = verify(made.path, public).troubles
    assert "sizes of" in trouble


def resigned(
    path: Path,
    key: Ed25519PrivateKey,
    *,
    more: tuple[str, int] | None = None,
    **claims: object,
) -> None:
    """The pack with other claims, or with one more file of two bytes by its name and the size that is stated
    of it, by who holds the key."""
    contents = []
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            assert file is not None
            contents.append((member.name, file.read()))
    subjects, said = opened(contents.pop(0)[1], PACKED, Packed, key.public_key())
    if more is not None:
        subjects = [*subjects, SignedFile(more[0], {"sha256": hashlib.sha256(b"{}").hexdigest()})]
        said = replace(said, sizes=[*said.sizes, more[1]])
        contents.append((more[0], b"{}"))
    envelope = sign(subjects, PACKED, replace(said, **claims), key)
    with path.open("wb") as out:
        for name, content in ((ENVELOPE, envelope), *contents):
            info = tarfile.TarInfo(name[:90])
            info.size, info.mode = len(content), 0o644
            out.write(info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512))
        out.write(bytes(1024))


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("run/../../evil", 2, "a name that leads out of the pack"),
        ("/tmp/evil", 2, "a name that leads out of the pack"),
        ("run//run.json", 2, "a name that leads out of the pack"),
        ("", 2, "(no name): a name that leads out of the pack"),
        ("run/run.json", 2, "run/run.json: a name that only one file can have"),
        ("run/run.json/x", 2, "run/run.json: a name that only one file can have"),
        ("run", 2, "run: a name that only one file can have"),
        ("a" * 300, 2, "no archive can hold it"),
        ("other", -1, "other: no archive can hold it, -1 bytes by that name"),
    ],
)
def test_a_file_that_no_pack_has_is_named_whoever_signed_it(
    tmp_path: Path, key: Ed25519PrivateKey, name: str, size: int, expected: str
) -> None:
    path = packed(tmp_path, key).path
    resigned(path, key, more=("more", 2))
    assert verify(path, key.public_key()).troubles == ()
    resigned(path, key, more=(name, size))
    assert expected in verify(path, key.public_key()).troubles[0]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"run": "another"}, "states run another, and the pack's run.json has one"),
        ({"exit_status": 1}, "states exit_status 1, and the pack's run.json has 0"),
        ({"verdicts": [StatedVerdict("scaled", "pass", "fail")]}, "scaled: stated as pass, expected fail"),
        ({"verdicts": 2 * [StatedVerdict("scaled", "pass", "pass")]}, "states a drill twice"),
    ],
)
def test_what_the_statement_says_of_the_run_is_held_against_the_run(
    tmp_path: Path, key: Ed25519PrivateKey, claims: dict[str, object], expected: str
) -> None:
    path = packed(tmp_path, key).path
    resigned(path, key, **claims)
    (trouble,) = verify(path, key.public_key()).troubles
    assert expected in trouble


@pytest.mark.parametrize("size", [b"\x80" + b"\xff" * 11, b"\xff" * 12])
def test_a_size_that_no_file_has_does_not_hold(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey, size: bytes
) -> None:
    path = packed(tmp_path, key).path
    good = path.read_bytes()
    header = good[:124] + size + good[136:148] + b" " * 8 + good[156:512]
    path.write_bytes(header[:148] + b"%06o\0 " % sum(header) + header[156:] + good[512:])
    assert verify(path, public).troubles == (
        "statement.dsse.json: its header was altered (overflow in number field)",
    )


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_found_however_it_is_quoted(name: str) -> None:
    text = f"$ something\n{SECRETS[name]}\nready\n"
    once = json.dumps({"output": text})
    for form in (text, once, json.dumps({"event": once}), escape(text), escape(once), escape(escape(once))):
        without, kinds = without_secrets(form.encode())
        assert [each for each in PLANTED if each.encode() in without] == [], form
        assert kinds
        assert b"ready" in without
    assert json.loads(without_secrets(once.encode())[0])["output"].startswith("$ something")


def test_no_planted_secret_is_in_the_pack(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    """In the recording, and so in the verdict and in the page that are made of it; in a transcript; in the
    command line of the run. The pack is judged again without them."""
    commands = [command(52 + number, f"true {text}") for number, text in enumerate(SECRETS.values())]
    folder = judged_run(tmp_path / "reports", commands=commands)
    (folder / "evidence" / "scaled" / "transcripts" / "01.txt").write_text("\n".join(SECRETS.values()))
    facts = read_facts(folder)
    write_facts(folder, replace(facts, command_line=f"pytest {SECRETS['environment']}"))
    write_report(folder, read_verdicts(folder, facts))
    write_manifest(folder)
    made = pack(folder, tmp_path / "one.tar", key)
    content = made.path.read_bytes()
    assert [each for each in PLANTED if each.encode() in content] == []
    names = {each.name.rpartition("/")[2] for each in made.left_out}
    assert {"recording.jsonl", "verdict.json", "index.html", "run.json", "01.txt"} <= names
    found = verify(made.path, public)
    assert (found.troubles, found.judged) == ((), 1)


@pytest.mark.parametrize(
    "text",
    [
        'redis-cli -a "$REDIS_PASSWORD" PING',
        "the password rotation is due",
        "kubectl create secret generic db --from-literal=password=${PASSWORD}",
        "https://monitoring.novel-engine.com/d/app",
        "https://user:$TOKEN@host/",
        "NOAUTH Authentication required.",
        "automountServiceAccountToken: false",
        "CONFIG SET requirepass {secret}",
        '{"db_password": null, "n_passwords": true}',
        "tls.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
        "secret:\n  secretName: novel-engine-accounts",
        "--pass: #00618f; --fail: #b04300",
        'redis-cli -a "${REDIS_PASSWORD}" PING',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text.encode()) == (text.encode(), [])


def test_an_altered_run_and_one_that_did_not_end_are_not_packed(
    tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    folder = judged_run(tmp_path / "reports")
    (folder / "evidence" / "scaled" / "transcripts" / "01.txt").write_text("other")
    with pytest.raises(SetupError, match=r"altered: evidence/scaled/transcripts/01\.txt"):
        pack(folder, tmp_path / "one.tar", key)
    (folder / "manifest.json").unlink()
    with pytest.raises(SetupError, match="did not end"):
        pack(folder, tmp_path / "one.tar", key)
    assert not (tmp_path / "one.tar").exists()


def stated(tmp_path: Path, key: Ed25519PrivateKey, wall: float) -> Path:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    seal(plan, key, wall)
    return plan


def test_a_plan_that_was_stated_before_is_in_the_pack(
    tmp_path: Path, key: Ed25519PrivateKey, public: Ed25519PublicKey
) -> None:
    plan = stated(tmp_path, key, BEGAN_WALL - 60)
    made = pack(judged_run(tmp_path / "reports"), tmp_path / "one.tar", key, plan=plan)
    found = verify(made.path, public)
    assert found.packed is not None
    assert (found.troubles, found.packed.plan_stated_wall) == ((), BEGAN_WALL - 60)


def test_a_plan_stated_later_or_altered_or_unsealed_is_refused(
    tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    folder = judged_run(tmp_path / "reports")
    plan = stated(tmp_path, key, BEGAN_WALL + 5)
    with pytest.raises(UsageError, match="stated 5 s after run one began"):
        pack(folder, tmp_path / "one.tar", key, plan=plan)
    seal_of(plan).unlink()
    seal(plan, key, BEGAN_WALL - 5)
    plan.write_text(PLAN.replace("at_most: 900", "at_most: 9000"))
    with pytest.raises(InputError, match="is of another text"):
        pack(folder, tmp_path / "one.tar", key, plan=plan)
    with pytest.raises(UsageError, match="was stated before"):
        seal(plan, key, BEGAN_WALL)
    seal_of(plan).unlink()
    with pytest.raises(UsageError, match="State a plan before the run"):
        pack(folder, tmp_path / "one.tar", key, plan=plan)


def test_the_key_is_its_owners_alone_and_outside_of_a_repository(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "evidence.key"
    public = make_key(place)
    assert (stat.S_IMODE(place.stat().st_mode), public) == (0o600, public_of(place))
    with pytest.raises(UsageError, match="never overwritten"):
        make_key(place)
    place.chmod(0o644)
    with pytest.raises(UsageError, match="others than its owner"):
        read_private(place)
    subprocess.run(["git", "init", "-q", tmp_path / "checkout"], check=True)
    with pytest.raises(UsageError, match="outside of any repository"):
        make_key(tmp_path / "checkout" / "deep" / "evidence.key")
    with pytest.raises(InputError, match="an Ed25519 public key"):
        read_public(place)


def test_nothing_of_the_run_is_changed(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    folder = judged_run(tmp_path / "reports")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    pack(folder, tmp_path / "one.tar", key)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert msgspec.json.encode(read_facts(folder))
