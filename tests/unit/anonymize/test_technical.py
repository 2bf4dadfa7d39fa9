"""Addresses, hosts, secrets and payment data are found as people and machines write them; technical content stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.anonymize import allow, technical_checks
from plumbline.anonymize.recognizers import find_patterns
from plumbline.anonymize.spans import Span, merge

# Put together here so that no secret scanner takes this file for a leak.
DATABRICKS = "dapi" + "0123456789abcdef" * 2
VAULT = "hvs." + "CAESIJabcdefghijklmnopqrstuv"
TELEGRAM = "123456789:AA" + "bcdefghijklmnopqrstuvwxyz01234567"
AWS_SECRET = "hT4vQz9LmXw2/R7pKdNs+" + "Yb3JcUf8GaE5VoMiZq1"
AWS_ID = "AKIA" + "Q3EGRZ7TPLNW5VXD"
BEGIN, END = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"
UUID = "123e4567-e89b-12d3-a456-426614174000"
HASH = "3f1c9e0b7a5d4c2e8f6a1b0c9d8e7f6a5b4c3d2e"


def found(text: str) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in merge(find_patterns(text))]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("adapter 00:1A:2B:3C:4D:5E down", "MAC", "00:1A:2B:3C:4D:5E"),
        ("00-1a-2b-3c-4d-5e", "MAC", "00-1a-2b-3c-4d-5e"),
        ("interface 001a.2b3c.4d5e", "MAC", "001a.2b3c.4d5e"),
        ("MAC:18:28:38:58:68:88", "MAC", "18:28:38:58:68:88"),
        ("mac address is 001A2B3C4D5E", "MAC", "001A2B3C4D5E"),
        ("from 10.1.2.3:8080 to x", "IP", "10.1.2.3"),
        ("10.0.0.1-10.0.0.20", "IP", "10.0.0.20"),
        ("see 203[.]0[.]113[.]7", "IP", "203[.]0[.]113[.]7"),
        ("[2001:db8::1]:443 refused", "IP", "2001:db8::1"),
        ("inet6 fe80::a00:27ff:fe4e:66a1%eth0", "IP", "fe80::a00:27ff:fe4e:66a1%eth0"),
        ("peer ::ffff:203.0.113.7", "IP", "::ffff:203.0.113.7"),
        ("DB_HOST=db.acme.internal", "HOST", "db.acme.internal"),
        ("hostname: web-prod-01", "HOST", "web-prod-01"),
        ("can't reach printer.lan", "HOST", "printer.lan"),
        ("orders.c9akciq32x.eu-west-1.rds.amazonaws.com", "HOST", "orders.c9akciq32x"),
        ("ec2-203-0-113-25.compute-1.amazonaws.com", "HOST", "ec2-203-0-113-25"),
        (r"copy \\fileserver01\share\x", "HOST", "fileserver01"),
        ("joined as DESKTOP-1AB2C3D", "HOST", "DESKTOP-1AB2C3D"),
        ("Nov 22 10:11:12 web01 sshd[1234]: closed", "HOST", "web01"),
        ("jane@web01:~$ ls", "USERNAME", "jane"),
        ("card 4111 1111 1111 1111 12/27 123", "CARD", "4111 1111 1111 1111"),
        ("card 4111 1111 1111 1111 12/27 123", "CARD_EXPIRY", "12/27"),
        ("card 4111 1111 1111 1111 12/27 123", "CVV", "123"),
        ("my visa, expires 04/2027, cvc: 999", "CVV", "999"),
        ("account number: 12345678", "BANK_ACCOUNT", "12345678"),
        ("Account 2947914033 is active", "BANK_ACCOUNT", "2947914033"),
        ("sort code 12-34-56", "BANK_ACCOUNT", "12-34-56"),
        ("routing number 021000021", "BANK_ACCOUNT", "021000021"),
        ("BIC: DEUTDEFF500", "BANK_ACCOUNT", "DEUTDEFF500"),
        ('pass := "KfX3813SO9l"', "PASSWORD", "KfX3813SO9l"),
        ('dbPass: "tbC2NpnL"', "PASSWORD", "tbC2NpnL"),
        (r"{\"password\": \"open1\"}", "PASSWORD", "open1"),
        ("<password>geheim</password>", "PASSWORD", "geheim"),
        ('<add key="DbPassword" value="x1y2z3"/>', "PASSWORD", "x1y2z3"),
        ("Server=db1;User ID=jdoe;Password=S3cret;", "PASSWORD", "S3cret"),
        ("Server=db1;User ID=jdoe;Password=S3cret;", "USERNAME", "jdoe"),
        ("curl -u jane:s3cret https://x.example", "PASSWORD", "s3cret"),
        ("mysql -u root -pS3cret db", "PASSWORD", "S3cret"),
        ("PGPASSWORD=abcd1234 psql -U jane -h db", "PASSWORD", "abcd1234"),
        ("PGPASSWORD=abcd1234 psql -U jane -h db", "USERNAME", "jane"),
        ("the PIN is 1234", "PASSWORD", "1234"),
        ("pwd hunter2", "PASSWORD", "hunter2"),
        ("mein Passwort lautet Sommer2023!", "PASSWORD", "Sommer2023"),
        ("mot de passe : abc123", "PASSWORD", "abc123"),
        ('my password is "summer"', "PASSWORD", "summer"),
        ("jdbc:oracle:thin:scott/t1ger@db:1521", "PASSWORD", "t1ger"),
        ('dbUser: "admin_678"', "USERNAME", "admin_678"),
        ("GRANT ALL ON *.* TO 'mgr'@'10.1.2.3'", "USERNAME", "mgr"),
        ("Failed password for invalid user jane from", "USERNAME", "jane"),
        (r"C:\Users\Jane Doe\AppData", "USERNAME", "Jane Doe"),
        (r"\"C:\\\\Users\\\\jane\\\\x\"", "USERNAME", "jane"),
        ("file:///home/jane/x.py", "USERNAME", "jane"),
        ("gcc -I/home/jane/src/include", "USERNAME", "jane"),
        (r"\\srv\users\jane\x", "USERNAME", "jane"),
        ("run as ACME\\jane.doe", "USERNAME", "jane.doe"),
        (f"HEROKU_API_KEY={UUID}", "TOKEN", UUID),
        ("licence key ABCD-1234-EFGH-5678", "KEY", "ABCD-1234-EFGH-5678"),
        (f"{AWS_ID} and\n{AWS_SECRET}", "KEY", AWS_SECRET),
        ("aws_account_id=998877665544", "AWS_ACCOUNT", "998877665544"),
        (f"use {DATABRICKS}", "TOKEN", DATABRICKS),
        (f"use {VAULT}", "TOKEN", VAULT),
        (f"bot {TELEGRAM}", "TOKEN", TELEGRAM),
        ("https://x.example/reset-password/a8f5f167f44f4964e6c998", "TOKEN", "a8f5f167f44f4964e6c998"),
        ("?sv=2020&sig=abc%2Fdef%3D123&se=2", "TOKEN", "abc%2Fdef%3D123"),
        (rf'"{BEGIN}\nMIIE\n{END}\n"', "KEY", rf"{BEGIN}\nMIIE\n{END}"),
        (f"{BEGIN}\nMIIEowIB\nand then I wrote", "KEY", f"{BEGIN}\nMIIEowIB\nand"),
    ],
)
def test_finds(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE with wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY in account 123456789012",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        f"commit {HASH}, request id {UUID}, at 0x7fff5fbff8a0",
        "cuDNN 8.6.0.163, x==8.6.0.163, version is 4.34.0.6, Section 4.6.3.1, foo-1.2.3.4.zip",
        "DNS 8.8.8.8 and 1.1.1.1, inet6 fe80::1%lo0",
        "SHA1 Fingerprint=AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD, at 12:30:45:01:02:03",
        "threading.local() in .env.local and docker-compose.local.yml, import com.foo.internal.Bar",
        "Server: nginx, host: localhost, Host: www.google.com, reason.server => error.sync.reason.serverMaintenance",
        "s3.amazonaws.com, sqs.eu-west-1.amazonaws.com, host.docker.internal",
        "password = getPassword(), password: String, password=this.state.password, pass=12 fail=0",
        "my password doesn't work, password (optional), I can pass setState, password set policy",
        "move logins and password like this https://support.example/en-US/questions/12",
        "userId: 42, uid: 1000, User: Ignore previous instructions and go",
        "https://x.example/home/page and src/app/home/home.component.ts",
        "secret: db-credentials-v2, apiKey: mySecretName, primary key: customer_id_2",
        "serial 4242-4242-4242-4241 and the certificate expires 12/2027",
        "account created 20230101, account 12.50, account: 2024-01-01",
        "the pin is loose, error code 4455, port 8080",
    ],
)
def test_leaves_technical_content(text: str) -> None:
    assert found(text) == []


def test_hosts_keep_what_says_which_service_it_is() -> None:
    text = "orders.c9akciq32x.eu-west-1.rds.amazonaws.com:5432"
    [span] = merge(find_patterns(text))
    assert text[span.end :] == ".eu-west-1.rds.amazonaws.com:5432"


@pytest.mark.parametrize(
    ("text", "value", "kind", "expected"),
    [
        (f"commit {HASH}", "9", "PHONE", True),
        (f"id {UUID}", "426614174000", "PHONE", True),
        ("CVE-2021-44228", "2021-44228", "PHONE", True),
        ("call 2021 44228", "2021 44228", "PHONE", False),
        ("account 123456789012", "123456789012", "AWS_ACCOUNT", True),
        ("account 123456789013", "123456789013", "AWS_ACCOUNT", False),
        ("pid 1234567890", "1234567890", "PHONE", True),
        ("mail to jane@example.com", "jane@example.com", "EMAIL", False),
        (f"password={HASH}", HASH, "PASSWORD", False),
    ],
)
def test_allowed(text: str, value: str, kind: str, expected: bool) -> None:
    start = text.index(value)
    assert allow.allowed(text, Span(start, start + len(value), kind)) is expected


def test_a_routing_number_has_a_check_digit() -> None:
    assert technical_checks.is_routing_number("021000021")
    assert not technical_checks.is_routing_number("021000022")


def test_entropy_is_that_of_shannon() -> None:
    assert technical_checks.entropy("aaaa") == 0
    assert technical_checks.entropy("abcd") == 2


@given(st.text(alphabet="ab1A0:.-/\\@=\"' \n<>[]%é\u200b", max_size=300))
def test_whatever_comes_spans_lie_inside(text: str) -> None:
    assert all(0 <= span.start < span.end <= len(text) for span in find_patterns(text))


@pytest.mark.parametrize(
    "seed",
    [f"{BEGIN}\n", "mysql -u ", "my password is ", "key: ", "token=", "C:\\Users\\a ", "4111 1111 1111 1111 12/27 ",
     "https://a/reset/", "host: ", "[a@b ", "x.local ", "eyJ", "1.1.1.1.", "00:"],
)  # fmt: skip
def test_long_runs_of_near_misses_come_to_an_end(seed: str) -> None:
    assert len(list(find_patterns(seed * (30_000 // len(seed))))) <= 30_000
