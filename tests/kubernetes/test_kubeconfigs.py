"""Kubeconfigs are read as kubectl reads them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
from pathlib import Path

import pytest
from tests.kubernetes.made_api_server import FakeTime, kubeconfig

from yuheng.errors import InputError, NotFoundError
from yuheng.kubernetes.access import Access, Identity, Material, open_access
from yuheng.kubernetes.access.kubeconfig import merged
from yuheng.kubernetes.access.tls import Trust

SERVER = "https://10.0.0.1:6443"


def opened(path: Path | None, context: str | None = None, **environment: str) -> Access:
    return open_access(path, context, environment=environment, service_account=Path("/nowhere"))


def identity(access: Access) -> Identity:
    return asyncio.run(access.renewed())


def test_the_current_context_is_used(tmp_path: Path) -> None:
    access = opened(kubeconfig(tmp_path / "config", SERVER + "/", user="token: abc"))
    assert (access.server, access.context, access.namespace) == (SERVER, "here", "work")
    assert identity(access).headers == (("Authorization", "Bearer abc"),)
    assert not access.is_blind


def test_it_may_be_json(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": SERVER}}],
                "contexts": [{"name": "x", "context": {"cluster": "c"}}],
                "users": None,
                "preferences": {},
            }
        )
    )
    access = opened(path, "x")
    assert access.namespace == "default"
    assert identity(access).headers == ()


def test_of_several_files_the_first_that_has_a_name_counts(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path / "first", "https://first", user="token: one")
    second = kubeconfig(tmp_path / "second", "https://second", user="token: two")
    second.write_text(second.read_text().replace("current-context: here", "current-context: other"))
    third = tmp_path / "third"
    third.write_text("contexts:\n- {name: more, context: {cluster: c}}\n")
    named = os.pathsep.join(str(path) for path in (tmp_path / "absent", first, second, third))
    assert opened(None, KUBECONFIG=named).server == "https://first"
    assert opened(None, "more", KUBECONFIG=named).server == "https://first"
    assert identity(opened(None, KUBECONFIG=named)).headers == (("Authorization", "Bearer one"),)


def test_without_a_name_the_home_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path / ".kube" / "config", SERVER)
    assert opened(None, HOME=str(tmp_path)).server == SERVER


def test_without_any_it_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="--kubeconfig"):
        opened(None, HOME=str(tmp_path))


def test_inside_a_pod_the_service_account_is_used(tmp_path: Path) -> None:
    authority = Path(__file__).parent / "authority.pem"
    (tmp_path / "ca.crt").write_bytes(authority.read_bytes())
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "namespace").write_text("system")
    time = FakeTime()
    environment = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    access = open_access(environment=environment, service_account=tmp_path, timing=time.timing)
    assert (access.server, access.namespace, access.context) == ("https://10.96.0.1:443", "system", "")
    assert identity(access).headers == (("Authorization", "Bearer first"),)
    # A token is replaced every hour; a minute later the new one is used.
    (tmp_path / "token").write_text("second\n")
    assert access.identity() is not None
    time.wall += 61
    assert access.identity() is None
    assert identity(access).headers == (("Authorization", "Bearer second"),)


def test_inside_a_pod_of_an_ipv6_cluster(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes((Path(__file__).parent / "authority.pem").read_bytes())
    (tmp_path / "token").write_text("t")
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    access = open_access(environment=environment, service_account=tmp_path)
    assert (access.server, access.namespace) == ("https://[fd00::1]:443", "default")


def test_a_token_file_that_is_away_for_a_moment_leaves_the_token_in_use(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    time = FakeTime()
    path = kubeconfig(tmp_path / "config", SERVER, user="tokenFile: token\ntoken: other")
    access = open_access(path, environment={}, timing=time.timing)
    before = identity(access)
    assert before.headers == (("Authorization", "Bearer abc"),)
    (tmp_path / "token").unlink()
    time.wall += 61
    assert identity(access) is before


def test_a_clock_that_jumps_back_does_not_keep_a_token_that_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    time = FakeTime()
    access = open_access(kubeconfig(tmp_path / "config", SERVER, user="tokenFile: token"), timing=time.timing)
    before = identity(access)
    (tmp_path / "token").write_text("def")
    time.wall -= 1e6
    assert access.identity() is before
    assert asyncio.run(access.renewed(refused=before)).headers == (("Authorization", "Bearer def"),)


def test_only_one_of_many_renews() -> None:
    runs = 0

    async def run() -> None:
        nonlocal runs

        async def source() -> Material:
            nonlocal runs
            runs += 1
            await asyncio.sleep(0.001)
            return Material((("Authorization", f"Bearer {runs}"),))

        access = Access(SERVER, Trust(), source)
        first = await asyncio.gather(*(access.renewed() for _ in range(20)))
        assert len(set(first)) == 1
        second = await asyncio.gather(*(access.renewed(refused=first[0]) for _ in range(20)))
        assert len(set(second)) == 1
        assert second[0] is not first[0]

    asyncio.run(run())
    assert runs == 2


def test_a_user_with_a_password(tmp_path: Path) -> None:
    access = opened(kubeconfig(tmp_path / "config", SERVER, user="username: me\npassword: 'p:w'"))
    assert identity(access).headers == (("Authorization", "Basic " + base64.b64encode(b"me:p:w").decode()),)


def test_somebody_may_be_asked_for_in_whose_place(tmp_path: Path) -> None:
    user = "token: abc\nas: jane\nas-uid: '7'\nas-groups: [dev, ops]\nas-user-extra: {example.com/x: [a, b]}"
    access = opened(kubeconfig(tmp_path / "config", SERVER, user=user))
    assert identity(access).headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-example.com%2Fx", "a"),
        ("Impersonate-Extra-example.com%2Fx", "b"),
        ("Authorization", "Bearer abc"),
    )


@pytest.mark.parametrize(
    ("environment", "server", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:3128"}, SERVER, "http://p:3128"),
        ({"https_proxy": "p:3128"}, SERVER, "http://p:3128"),
        ({"HTTP_PROXY": "http://p:3128"}, SERVER, None),
        ({"HTTP_PROXY": "http://p:3128"}, "http://cluster", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "10.0.0.0/8"}, SERVER, None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "11.0.0.0/8, 10.0.0.1:443"}, SERVER, "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128", "no_proxy": "example.com"}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".example.com"}, "https://api.example.com", None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "ample.com"}, "https://api.example.com", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "example.com:6443"}, "https://example.com:6443", None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "*"}, SERVER, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://127.0.0.1:6443", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://localhost:6443", None),
    ],
)
def test_the_proxy_of_the_environment(
    tmp_path: Path, environment: dict[str, str], server: str, proxy: str | None
) -> None:
    assert opened(kubeconfig(tmp_path / "config", server), **environment).proxy == proxy


def test_the_proxy_of_the_kubeconfig_comes_first(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", SERVER, cluster="proxy-url: http://own:8080")
    assert opened(path, HTTPS_PROXY="http://p:3128", NO_PROXY="*").proxy == "http://own:8080"


def test_authorities_that_lack_extensions_are_accepted_as_by_go(tmp_path: Path) -> None:
    tls = identity(opened(kubeconfig(tmp_path / "config", SERVER))).tls
    assert not tls.verify_flags & ssl.VERIFY_X509_STRICT
    assert tls.verify_mode == ssl.CERT_REQUIRED
    assert tls.check_hostname


def test_nobody_is_checked_only_where_the_kubeconfig_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    access = opened(kubeconfig(tmp_path / "config", SERVER, cluster="insecure-skip-tls-verify: true"))
    assert access.is_blind
    assert identity(access).tls.verify_mode == ssl.CERT_NONE
    assert "not checked" in "".join(capsys.readouterr())


SECRET = "s3cr3t-value"  # noqa: S105 -- planted


@pytest.mark.parametrize(
    ("server", "cluster", "user", "message"),
    [
        ("", "", "", "cluster c: server: found nothing, expected an address"),
        ("10.0.0.1:6443", "", "", "server: found another text"),
        ("ftp://a", "", "", "server: found another text"),
        (f"https://me:{SECRET}@a", "", "", "server: found a user in the address"),
        ("https://a:0", "", "", "server"),
        ("https://a?x=1", "", "", "server"),
        (SERVER, "proxy-url: socks5://a", "", "proxy-url: found another address, expected a proxy of http"),
        (SERVER, f"certificate-authority-data: '{SECRET}'", "", "-authority-data: found other text, expected base64"),
        (SERVER, "certificate-authority: absent.crt", "", "absent.crt: found what cannot be read"),
        (SERVER, "insecure-skip-tls-verify: maybe", "", "insecure-skip-tls-verify: found text"),
        (SERVER, "insecure-skip-tls-verify: true\ncertificate-authority-data: YQ==", "", "one or the other"),
        (SERVER, "", f"token: '{SECRET} {SECRET}'", "user u: token: found characters that no header can hold"),
        (SERVER, "", "token: 7", "token: found a whole number, expected text"),
        (SERVER, "", f"client-key-data: '{SECRET}'", "client-key-data: found other text"),
        (SERVER, "", "client-key-data: YQ==", "client-certificate: found nothing"),
        (SERVER, "", "client-certificate-data: YQ==", "client-key: found nothing"),
        (SERVER, "", "auth-provider: {name: gcp}", "auth-provider: found 'gcp', which kubectl no longer knows"),
        (SERVER, "", "as-groups: [a]", "as: found nothing"),
        (SERVER, "", "as: \"a\\nb\"", "as: found characters"),
        (SERVER, "", "exec: {apiVersion: client.authentication.k8s.io/v1}", "exec.command: found nothing"),
        (SERVER, "", "exec: {command: x, apiVersion: v0}", "exec.apiVersion: found 'v0'"),
        (SERVER, "", "tokenFile: absent", "absent: found what cannot be read"),
        (SERVER, "", "client-certificate-data: YQ==\nclient-key-data: YQ==", "found a pair that does not belong"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_line_without_secrets(
    tmp_path: Path, server: str, cluster: str, user: str, message: str
) -> None:
    path = kubeconfig(tmp_path / "config", server, cluster, user)
    with pytest.raises(InputError) as caught:
        identity(opened(path))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "current-context: found nothing"),
        ("a: [", "malformed YAML"),
        ("kind: Pod", "kind: found another kind of object"),
        ("[]", "found a list"),
        ("current-context: x", "no context 'x'"),
        ("current-context: x\ncontexts: [{name: x, context: {cluster: d}}]", "cluster: found 'd', which is not there"),
        ("current-context: x\ncontexts: [{name: x, context: {}}]", "cluster: found nothing"),
        ("contexts: {}", "contexts: found a map"),
        ("a: 1\n---\nb: 1", "found several documents"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises((InputError, NotFoundError)) as caught:
        opened(path)
    assert message in str(caught.value)


def test_a_user_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", SERVER)
    path.write_text(path.read_text().replace("user: u,", "user: v,"))
    with pytest.raises(InputError, match="found 'v', which is not there, expected the name of a user"):
        opened(path)


def test_a_context_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no context 'x' \(there are: here\)"):
        opened(kubeconfig(tmp_path / "config", SERVER), "x")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="absent: no such file"):
        opened(tmp_path / "absent")


def test_nothing_secret_shows_in_what_is_printed(tmp_path: Path) -> None:
    user = f"token: {SECRET}\npassword: {SECRET}\nclient-key-data: {SECRET}\nexec: {{command: a, args: [{SECRET}]}}"
    path = kubeconfig(tmp_path / "config", SERVER, user=user)
    config = merged([path])
    shown = repr(config) + repr(config.chosen(None))
    path = kubeconfig(tmp_path / "config", SERVER, user=f"token: {SECRET}")
    access = opened(path)
    made = identity(access)
    shown += repr(access) + repr(made) + repr(vars(access))
    assert SECRET not in shown
