"""What hostile hosts do with HTTP itself."""

import gzip
import zlib

from conversations import HttpSource
from rows import ESCAPES, Row
from wire import FLUSH, forever, http, pkt, silence, slowly

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
RESULT = "application/x-git-upload-pack-result"


def http_row(name, answer, kind=None, message="", status=1):
    return Row(name, HttpSource(answer), kind, message, status, ("http",))


def on_get(said):
    """The first request gets this."""
    return lambda request, number: (said() if callable(said) else said) if request.method == "GET" else None


def on_post(said):
    return lambda request, number: (said() if callable(said) else said) if request.method == "POST" else None


def redirect(location, status="302 Found"):
    return on_get(http(status=status, headers=[f"Location: {location}"]))


def raw(*lines, body=b""):
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def table(honest):
    greeting = honest.capabilities
    bomb = gzip.compress(b"0" * 50_000_000)
    return [
        *page_rows(greeting),
        *status_rows(),
        *redirect_rows(),
        *body_rows(honest, greeting, bomb),
        *header_rows(greeting),
    ]


def page_rows(greeting):
    login = b"<html><body><form>please log in</form></body></html>"
    return [
        http_row("a login page", on_get(http(login, "text/html; charset=utf-8")), "invalid", "no Git repository answers there"),
        http_row("a login page that says it is git", on_get(http(login, ADVERTISEMENT)), "corrupt", "not a pkt-line"),
        http_row("no content type", on_get(http(greeting)), "invalid", "no Git repository answers there"),
        http_row("the content type of the other service", on_get(http(greeting, "application/x-git-receive-pack-advertisement")), "invalid", "content type"),
        http_row("dumb HTTP", on_get(http(b"1" * 40 + b"\trefs/heads/main\n", "text/plain")), "invalid", "no Git repository answers there"),
        http_row("a content type with escapes", on_get(raw("HTTP/1.1 200 OK", "Content-Type: " + ESCAPES.replace(b"\r", b"").decode("latin-1"), "Content-Length: 0")), "invalid", "content type"),
        http_row("a page in answer to a fetch", on_post(http(login, "text/html")), "corrupt", "text/html"),
        http_row("an advertisement in answer to a fetch", on_post(http(greeting, ADVERTISEMENT)), "corrupt", "content type"),
        http_row("the prelude of another service", on_get(http(pkt("# service=git-receive-pack\n") + FLUSH + greeting, ADVERTISEMENT)), "corrupt", "git-receive-pack"),
        http_row("a prelude with escapes", on_get(http(pkt(b"# service=" + ESCAPES) + FLUSH, ADVERTISEMENT)), "corrupt", r"\\x1b]0;pwned\\x07"),
    ]


def status_rows():
    def says(status, *headers, body=b"", kind="text/plain"):
        return lambda request, number: http(body, kind, status, headers)

    return [
        http_row("a forbidding page", says("403 Forbidden", body=b"<html>go away</html>", kind="text/html"), "denied", "403"),
        http_row("a forbidding word with escapes", says("403 Forbidden", body=ESCAPES), "denied", r"\\x1b]0;pwned\\x07"),
        http_row("a refusal without end", lambda request, number: http(forever(b"", b"no! "), "text/plain", "403 Forbidden"), "denied", "no! no!"),
        http_row("a loop of 401", says("401 Unauthorized", "WWW-Authenticate: Basic realm=x"), "denied", "401"),
        http_row("a 401 without Basic", says("401 Unauthorized", "WWW-Authenticate: Negotiate", "WWW-Authenticate: NTLM"), "denied", "401"),
        http_row("a 401 without a challenge", says("401 Unauthorized"), "denied", "401"),
        http_row("a realm with escapes", says("401 Unauthorized", 'WWW-Authenticate: Basic realm="' + ESCAPES.replace(b"\r", b"").decode("latin-1") + '"'), "denied", "401"),
        http_row("a proxy's 407", says("407 Proxy Authentication Required", "Proxy-Authenticate: Basic"), "denied", "407"),
        http_row("Retry-After for ever", says("429 Too Many Requests", "Retry-After: 99999999999999999999"), "throttled", '"retry_after_ms":86400000'),
        http_row("Retry-After in the past", says("503 Service Unavailable", "Date: Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), "unavailable", '"retry_after_ms":0'),
        http_row("Retry-After with nonsense", says("503 Service Unavailable", "Retry-After: -1; DROP TABLE"), "unavailable", '"retry_after_ms":null'),
        http_row("a status of nothing", lambda request, number: raw("HTTP/1.1 000 What", "Content-Length: 0"), "corrupt", ""),
        http_row("a status to come", says("799 Later"), "unavailable", "799"),
        http_row("a 204", lambda request, number: raw("HTTP/1.1 204 No Content"), "invalid", "204"),
        http_row("a 206", says("206 Partial Content"), "invalid", "206"),
    ]


def redirect_rows():
    back = "/r.git/info/refs?service=git-upload-pack"
    return [
        http_row("a redirect to another host", redirect("http://elsewhere.example" + back), "invalid", "elsewhere"),
        http_row("a redirect to another port", redirect("http://ELSEWHERE" + back), "invalid", "which is elsewhere"),
        http_row("a permanent redirect to another port", redirect("http://ELSEWHERE" + back, "308 Permanent Redirect"), "invalid", "which is elsewhere"),
        http_row("a redirect without a scheme to another port", redirect("//ELSEWHERE" + back), "invalid", "which is elsewhere"),
        http_row("a redirect that hides its host behind an at sign", redirect("http://HERE@ELSEWHERE" + back), "invalid", ""),
        http_row("a redirect that hides its host behind a backslash", redirect("http://HERE\\@ELSEWHERE" + back), "invalid", ""),
        http_row("a redirect that hides its host behind a hash", redirect("http://ELSEWHERE#@HERE" + back), "invalid", ""),
        http_row("a redirect to a file", redirect("file:///etc/passwd"), "invalid", "redirect"),
        http_row("a redirect to a helper", redirect("ext::sh -c touch% /tmp/pwned"), "invalid", "redirect"),
        http_row("a redirect to ssh", redirect("ssh://-oProxyCommand=touch@HERE/x"), "invalid", "redirect"),
        http_row("a redirect to another scheme", redirect("https://HERE" + back), "invalid", "elsewhere"),
        http_row("a redirect to the metadata service", redirect("http://169.254.169.254/latest/meta-data/"), "invalid", "elsewhere"),
        http_row("a redirect to a login", redirect("/login?next=/r.git"), "denied", "perhaps a login"),
        http_row("a redirect without a target", on_get(http(status="302 Found")), "corrupt", "without a Location"),
        http_row("a redirect with escapes", on_get(raw("HTTP/1.1 302 Found", "Location: /" + ESCAPES.replace(b"\r", b"").decode("latin-1"), "Content-Length: 0")), "invalid", "redirect"),
        http_row("a redirect in a circle", redirect(back), "invalid", "redirects more than 3 times"),
        http_row("redirects without end", lambda request, number: http(status="301 Moved Permanently", headers=[f"Location: /{number}{back}"]), "invalid", "redirects more than 3 times"),
        http_row("a redirect on the same host", lambda request, number: http(status="302 Found", headers=["Location: /moved" + back]) if number == 0 else None, None, "", 0),
        http_row("a redirect relative to where we are", lambda request, number: http(status="302 Found", headers=["Location: there/info/refs?service=git-upload-pack"]) if number == 0 else None, None, "", 0),
        http_row("a redirect that climbs", redirect("../../there.git/info/refs?service=git-upload-pack"), "invalid", "the path has '..' in it"),
        http_row("a redirect with a name on the same host", redirect("http://eve:word@HERE" + back), "invalid", "has a user name or password in it"),
        http_row("a redirect of the fetch", on_post(http(status="307 Temporary Redirect", headers=["Location: http://ELSEWHERE/x"])), "invalid", "redirects a POST"),
    ]


def body_rows(honest, greeting, bomb):
    head = ("HTTP/1.1 200 OK", f"Content-Type: {ADVERTISEMENT}")
    chunked = (*head, "Transfer-Encoding: chunked")
    return [
        http_row("a gzip bomb unasked", on_get(http(bomb, ADVERTISEMENT, headers=["Content-Encoding: gzip"])), "corrupt", "not a pkt-line"),
        http_row("a deflate bomb unasked", on_post(http(zlib.compress(b"0" * 50_000_000), RESULT, headers=["Content-Encoding: deflate"])), "corrupt", "not a pkt-line"),
        http_row("a transfer in gzip", on_get(raw(*head, "Transfer-Encoding: gzip, chunked", body=b"%x\r\n" % len(bomb) + bomb + b"\r\n0\r\n\r\n")), "corrupt", "transfer encoding"),
        http_row("a body that is shorter than it says", on_get(lambda: iter([raw(*head, "Content-Length: 100000", body=greeting[:-4])])), "unavailable", ""),
        http_row("a body that is longer than it says", on_get(raw(*head, "Connection: close", f"Content-Length: {len(greeting) - 4}", body=greeting)), "unavailable", "before its list of refs was complete"),
        http_row("a negative length", on_get(raw(*head, "Content-Length: -5", body=greeting)), "corrupt", ""),
        http_row("a length of words", on_get(lambda: iter([raw(*head, "Content-Length: many", body=greeting)])), "corrupt", ""),
        http_row("two lengths", on_get(lambda: iter([raw(*head, "Content-Length: 5", f"Content-Length: {len(greeting)}", body=greeting)])), "corrupt", "two lengths"),
        http_row("a chunk of no size", on_get(raw(*chunked, body=b"zz\r\n" + greeting)), "unavailable", ""),
        http_row("a chunk of a giant size", on_get(lambda: iter([raw(*chunked, body=b"ffffffffffffffff\r\n" + greeting[:-4])])), "unavailable", ""),
        http_row("chunks without their end", on_get(lambda: iter([raw(*chunked, body=b"%x\r\n%s\r\n" % (len(greeting) - 4, greeting[:-4]))])), "unavailable", ""),
        http_row("a chunk header without end", on_get(lambda: forever(raw(*chunked, body=b"5;"), b"x" * 1000)), "unavailable", ""),
        http_row("a second answer behind the first", on_get(http(greeting, ADVERTISEMENT) + http(b"0000", RESULT)), None, "", 0),
        http_row("a page of gigabytes behind the listing", on_get(lambda: forever(raw(*head, "Connection: close") + greeting, b"x" * 1000)), None, "", 0),
        http_row("an answer that drips", on_get(lambda: slowly(http(greeting, ADVERTISEMENT, headers=["Connection: close"]), 0.02, 8)), None, "", 0),
        http_row("an answer that stops", on_get(lambda: silence(raw(*head, "Content-Length: 100") + greeting[:9])), "unavailable", "no byte"),
        http_row("an answer that never begins", on_get(silence), "unavailable", "no byte"),
        http_row("a hang-up instead of an answer", on_get(lambda: iter([])), "unavailable", "closed the connection"),
        http_row("no HTTP at all", on_get(lambda: iter([b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"])), "corrupt", "does not answer in HTTP"),
        http_row("HTTP 0.9", on_get(lambda: iter([greeting])), "corrupt", "does not answer in HTTP"),
        http_row("an end in the middle of a fetch", lambda request, number: cut(http(honest.packfile(), RESULT)) if b"command=fetch" in request.body else None, "unavailable", ""),
    ]


def cut(answer):
    yield answer[: len(answer) - 100]


def header_rows(greeting):
    def headers(*lines):
        return on_get(raw("HTTP/1.1 200 OK", *lines, f"Content-Type: {ADVERTISEMENT}", f"Content-Length: {len(greeting)}", body=greeting))

    return [
        http_row("headers without end", on_get(lambda: forever(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n")), "corrupt", "64 KiB of headers"),
        http_row("a header without end", on_get(lambda: forever(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 1000)), "corrupt", ""),
        http_row("interim answers without end", on_get(lambda: forever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")), "corrupt", "64 KiB of headers"),
        http_row("interim answers without headers and end", on_get(lambda: forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n")), "corrupt", "64 KiB of headers"),
        http_row("a status line without end", on_get(lambda: forever(b"HTTP/1.1 200 ", b"x" * 1000)), "corrupt", ""),
        http_row("a switch of protocols unasked", on_get(lambda: iter([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"])), "invalid", "101"),
        http_row("headers that curl would act on", headers("Alt-Svc: h3=\":1\"", "Set-Cookie: a=b", "Refresh: 0;url=http://x.example/", "Strict-Transport-Security: max-age=1"), None, "", 0),
        http_row("trailers without end", on_get(lambda: forever(raw("HTTP/1.1 200 OK", f"Content-Type: {ADVERTISEMENT}", "Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n" % (len(greeting), greeting), b"X-More: and more\r\n")), None, "", 0),
    ]
