#include "net/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <random>

#include "testing/must.h"

namespace packferry {
namespace {

using testing::must;

struct Good {
  const char* text;
  Scheme scheme;
  const char* user;
  const char* host;
  int port;
  const char* path;
  const char* shown;  // text(); nullptr: as given
};

constexpr Scheme kHttps = Scheme::Https, kHttp = Scheme::Http, kSsh = Scheme::Ssh, kGit = Scheme::Git,
                 kFile = Scheme::File, kCodeCommit = Scheme::CodeCommit;

const Good kGood[] = {
    {"https://host.example/app/web.git", kHttps, "", "host.example", 443, "/app/web.git", nullptr},
    {"https://host.example/", kHttps, "", "host.example", 443, "/", nullptr},
    {"https://host.example", kHttps, "", "host.example", 443, "/", "https://host.example/"},
    {"HTTPS://HOST.Example/App", kHttps, "", "host.example", 443, "/App", "https://host.example/App"},
    {"http://host.example/x", kHttp, "", "host.example", 80, "/x", nullptr},
    {"https://host.example:8443/x", kHttps, "", "host.example", 8443, "/x", nullptr},
    {"https://host.example:443/x", kHttps, "", "host.example", 443, "/x", "https://host.example/x"},
    {"http://host.example:65535/x", kHttp, "", "host.example", 65535, "/x", nullptr},
    {"http://host.example:1/x", kHttp, "", "host.example", 1, "/x", nullptr},
    {"https://ada@host.example/x", kHttps, "ada", "host.example", 443, "/x", "https://host.example/x"},
    {"https://ada:pw@host.example/x", kHttps, "ada", "host.example", 443, "/x", "https://host.example/x"},
    {"https://ada:p:w@host.example/x", kHttps, "ada", "host.example", 443, "/x", "https://host.example/x"},
    {"https://:pw@host.example/x", kHttps, "", "host.example", 443, "/x", "https://host.example/x"},
    {"https://ada%40example.org:p%40ss%3Aw%2Frd@host.example:8443/x", kHttps, "ada@example.org", "host.example", 8443,
     "/x", "https://host.example:8443/x"},
    {"https://AIDA-at-1234567890+x@git-codecommit.eu-west-1.amazonaws.com/v1/repos/web", kHttps, "AIDA-at-1234567890+x",
     "git-codecommit.eu-west-1.amazonaws.com", 443, "/v1/repos/web",
     "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/web"},
    {"https://dev.azure.example/org/My%20Project/_git/web", kHttps, "", "dev.azure.example", 443,
     "/org/My%20Project/_git/web", nullptr},
    {"https://host.example/a//b", kHttps, "", "host.example", 443, "/a//b", nullptr},
    {"https://host.example/a/...", kHttps, "", "host.example", 443, "/a/...", nullptr},
    {"https://host.example/.hidden/..x", kHttps, "", "host.example", 443, "/.hidden/..x", nullptr},
    {"https://host.example/a;b=c,d(e)!f'g*h$i&j+k~l@m:n", kHttps, "", "host.example", 443,
     "/a;b=c,d(e)!f'g*h$i&j+k~l@m:n", nullptr},
    {"https://host.example/gr%C3%B6sse", kHttps, "", "host.example", 443, "/gr%C3%B6sse", nullptr},
    {"https://host.example/a%2Fb", kHttps, "", "host.example", 443, "/a%2Fb", nullptr},
    {"https://host.example/a%23b%3Fc", kHttps, "", "host.example", 443, "/a%23b%3Fc", nullptr},
    {"https://host.example/100%25", kHttps, "", "host.example", 443, "/100%25", nullptr},
    {"https://host.example/-x/--y", kHttps, "", "host.example", 443, "/-x/--y", nullptr},
    {"https://host.example/~ada/x", kHttps, "", "host.example", 443, "/~ada/x", nullptr},
    {"https://host.example/x?a=b", kHttps, "", "host.example", 443, "/x", nullptr},
    {"https://host.example/x?a=/b?c&d=%20", kHttps, "", "host.example", 443, "/x", nullptr},
    {"https://host.example/x?", kHttps, "", "host.example", 443, "/x", "https://host.example/x"},
    {"https://localhost/x", kHttps, "", "localhost", 443, "/x", nullptr},
    {"https://my_host/x", kHttps, "", "my_host", 443, "/x", nullptr},
    {"https://a-b-.example/x", kHttps, "", "a-b-.example", 443, "/x", nullptr},
    {"https://xn--grsse-lua.example/x", kHttps, "", "xn--grsse-lua.example", 443, "/x", nullptr},
    {"https://127.0.0.1/x", kHttps, "", "127.0.0.1", 443, "/x", nullptr},
    {"https://255.255.255.255:1/x", kHttps, "", "255.255.255.255", 1, "/x", nullptr},
    {"https://1.example/x", kHttps, "", "1.example", 443, "/x", nullptr},
    {"https://1a/x", kHttps, "", "1a", 443, "/x", nullptr},
    {"https://0xg/x", kHttps, "", "0xg", 443, "/x", nullptr},
    {"https://[::1]/x", kHttps, "", "::1", 443, "/x", nullptr},
    {"https://[::1]:8443/x", kHttps, "", "::1", 8443, "/x", nullptr},
    {"https://ada:pw@[2001:DB8::A]:8443/x", kHttps, "ada", "2001:db8::a", 8443, "/x", "https://[2001:db8::a]:8443/x"},
    {"https://[2001:db8:0:0:0:0:0:1]/x", kHttps, "", "2001:db8::1", 443, "/x", "https://[2001:db8::1]/x"},
    {"https://[1:2:3:4:5:6::7]/x", kHttps, "", "1:2:3:4:5:6:0:7", 443, "/x", "https://[1:2:3:4:5:6:0:7]/x"},
    {"https://[::ffff:10.0.0.1]/x", kHttps, "", "::ffff:10.0.0.1", 443, "/x", nullptr},
    {"ssh://host.example/app/web.git", kSsh, "", "host.example", 22, "/app/web.git", nullptr},
    {"ssh://git@host.example/app/web.git", kSsh, "git", "host.example", 22, "/app/web.git", nullptr},
    {"ssh://git@host.example:2222/app/web.git", kSsh, "git", "host.example", 2222, "/app/web.git", nullptr},
    {"ssh://host.example:22/x", kSsh, "", "host.example", 22, "/x", "ssh://host.example/x"},
    {"ssh://git@[::1]:2222/x", kSsh, "git", "::1", 2222, "/x", nullptr},
    {"ssh://host.example/~ada/x", kSsh, "", "host.example", 22, "~ada/x", nullptr},
    {"ssh://host.example/~", kSsh, "", "host.example", 22, "~", nullptr},
    {"ssh://host.example/", kSsh, "", "host.example", 22, "/", nullptr},
    {"ssh://host.example/a%20b", kSsh, "", "host.example", 22, "/a b", "ssh://host.example/a b"},
    {"ssh://host.example/a b'c\"d", kSsh, "", "host.example", 22, "/a b'c\"d", nullptr},
    {"ssh://host.example/a%25b%3Fc%23d", kSsh, "", "host.example", 22, "/a%b?c#d", nullptr},
    {"ssh://host.example/größe", kSsh, "", "host.example", 22, "/größe", nullptr},
    {"ssh://host.example/-x", kSsh, "", "host.example", 22, "/-x", nullptr},
    {"ssh://a.b_c+d=e-f@host.example/x", kSsh, "a.b_c+d=e-f", "host.example", 22, "/x", nullptr},
    {"ssh://ada%40corp@host.example/x", kSsh, "ada@corp", "host.example", 22, "/x", nullptr},
    {"ssh://APKAEIBAERJR2EXAMPLE@git-codecommit.us-east-1.amazonaws.com/v1/repos/x", kSsh, "APKAEIBAERJR2EXAMPLE",
     "git-codecommit.us-east-1.amazonaws.com", 22, "/v1/repos/x", nullptr},
    {"codecommit://web", kCodeCommit, "", "", 0, "/v1/repos/web", nullptr},
    {"CodeCommit://Team.tools_-1", kCodeCommit, "", "", 0, "/v1/repos/Team.tools_-1", "codecommit://Team.tools_-1"},
    {"codecommit://-x", kCodeCommit, "", "", 0, "/v1/repos/-x", nullptr},
    {"codecommit://web.git.x", kCodeCommit, "", "", 0, "/v1/repos/web.git.x", nullptr},
    {"codecommit://west@web", kCodeCommit, "west", "", 0, "/v1/repos/web", nullptr},
    {"codecommit://Admin_x-1234.a+b=c,d~e@web", kCodeCommit, "Admin_x-1234.a+b=c,d~e", "", 0, "/v1/repos/web", nullptr},
    {"codecommit::eu-central-1://web", kCodeCommit, "", "", 0, "/v1/repos/web", nullptr},
    {"codecommit::us-gov-west-1://west@web", kCodeCommit, "west", "", 0, "/v1/repos/web", nullptr},
    {"ap-southeast-2://west@web", kCodeCommit, "west", "", 0, "/v1/repos/web", "codecommit::ap-southeast-2://west@web"},
    {"git://host.example/x.git", kGit, "", "host.example", 9418, "/x.git", nullptr},
    {"git://host.example:1234/x.git", kGit, "", "host.example", 1234, "/x.git", nullptr},
    {"git://[::1]/x.git", kGit, "", "::1", 9418, "/x.git", nullptr},
    {"git://host.example/~ada/x", kGit, "", "host.example", 9418, "~ada/x", nullptr},
    {"file:///srv/git/x.git", kFile, "", "", 0, "/srv/git/x.git", "/srv/git/x.git"},
    {"FILE:///srv/x", kFile, "", "", 0, "/srv/x", "/srv/x"},
    {"file:///a%20b", kFile, "", "", 0, "/a b", "/a b"},
    {"file:///a b", kFile, "", "", 0, "/a b", "/a b"},
    {"file:////unc/x", kFile, "", "", 0, "//unc/x", "//unc/x"},
    {"file:///~ada", kFile, "", "", 0, "/~ada", "/~ada"},
    {"git@host.example:app/web.git", kSsh, "git", "host.example", 22, "app/web.git", nullptr},
    {"host.example:app/web.git", kSsh, "", "host.example", 22, "app/web.git", nullptr},
    {"host:x", kSsh, "", "host", 22, "x", nullptr},
    {"HOST:x", kSsh, "", "host", 22, "x", "host:x"},
    {"git@host:/srv/x.git", kSsh, "git", "host", 22, "/srv/x.git", nullptr},
    {"git@host:~me/x", kSsh, "git", "host", 22, "~me/x", nullptr},
    {"git@host:/~me/x", kSsh, "git", "host", 22, "~me/x", "git@host:~me/x"},
    {"git@host:a:b", kSsh, "git", "host", 22, "a:b", nullptr},
    {"git@host:a b", kSsh, "git", "host", 22, "a b", nullptr},
    {"git@host:a%20b", kSsh, "git", "host", 22, "a%20b", nullptr},
    {"git@host:a?b#c", kSsh, "git", "host", 22, "a?b#c", nullptr},
    {"git@host:release@2/x", kSsh, "git", "host", 22, "release@2/x", nullptr},
    {"host:x/y@2", kSsh, "", "host", 22, "x/y@2", nullptr},
    {"[host]:x", kSsh, "", "host", 22, "x", "host:x"},
    {"[host:123]:src", kSsh, "", "host", 123, "src", nullptr},
    {"[git@host:123]:src", kSsh, "git", "host", 123, "src", nullptr},
    {"git@[host:123]:src", kSsh, "git", "host", 123, "src", "[git@host:123]:src"},
    {"[::1]:x", kSsh, "", "::1", 22, "x", nullptr},
    {"git@[::1]:x", kSsh, "git", "::1", 22, "x", nullptr},
    {"[git@::1]:x", kSsh, "git", "::1", 22, "x", "git@[::1]:x"},
    {"git@[2001:db8::1]:/~me", kSsh, "git", "2001:db8::1", 22, "~me", "git@[2001:db8::1]:~me"},
    {"git:app/web", kSsh, "", "git", 22, "app/web", nullptr},
    {"host:a[1]:b", kSsh, "", "host", 22, "a[1]:b", nullptr},
    {"/srv/git/x.git", kFile, "", "", 0, "/srv/git/x.git", nullptr},
    {"x.git", kFile, "", "", 0, "x.git", nullptr},
    {".", kFile, "", "", 0, ".", nullptr},
    {"../x", kFile, "", "", 0, "../x", nullptr},
    {"./a:b", kFile, "", "", 0, "./a:b", nullptr},
    {"./-x", kFile, "", "", 0, "./-x", nullptr},
    {"/a:b", kFile, "", "", 0, "/a:b", nullptr},
    {"dir/https://x", kFile, "", "", 0, "dir/https://x", nullptr},
    {"/a%20b?c#d\\e", kFile, "", "", 0, "/a%20b?c#d\\e", nullptr},
    {"größe/x", kFile, "", "", 0, "größe/x", nullptr},
    {"ada@host", kFile, "", "", 0, "ada@host", nullptr},
};

// What has a "hunter2" in it has it where a password may stand: it must not come back in a message.
const struct {
  std::string_view text;
  const char* part_of_message;
} kBad[] = {
    {"", "empty"},
    // options in disguise (CVE-2017-1000117 and after)
    {"ssh://-oProxyCommand=id/x", "begins with '-'"},
    {"ssh://-oProxyCommand=id@host/x", "begins with '-'"},
    {"ssh://git@-oProxyCommand=id/x", "begins with '-'"},
    {"ssh://%2DoProxyCommand=id@host/x", "begins with '-'"},
    {"ssh://-host/x", "begins with '-'"},
    {"ssh://-host:22/x", "begins with '-'"},
    {"ssh://git@-host/x", "begins with '-'"},
    {"ssh://%2Dhost/x", "host name has a character"},
    {"-oProxyCommand=id:x", "host name"},
    {"-host:x", "begins with '-'"},
    {"git@-host:x", "begins with '-'"},
    {"-git@host:x", "begins with '-'"},
    {"[-host]:x", "begins with '-'"},
    {"[-git@host]:x", "begins with '-'"},
    {"[git@-host:22]:x", "begins with '-'"},
    {"-git@[host]:x", "begins with '-'"},
    {"host:-path", "path begins with '-'"},
    {"git@host:-path", "path begins with '-'"},
    {"[host]:-path", "path begins with '-'"},
    {"[::1]:-path", "path begins with '-'"},
    {"git://-host/x", "begins with '-'"},
    {"https://-host/x", "begins with '-'"},
    {"https://-ada@host/x", "begins with '-'"},
    {"https://%2Dada@host/x", "begins with '-'"},
    {"https://a.-b/x", "begins with '-'"},
    {"-x", "begins with '-'"},
    {"--upload-pack=id", "begins with '-'"},
    // command transports and other schemes
    {"ext::sh -c id", "scheme 'ext::' is not known"},
    {"EXT::sh -c id", "scheme 'EXT::' is not known"},
    {"eXt::sh", "is not known"},
    {"fd::7", "scheme 'fd::' is not known"},
    {"fd::7,8/x", "is not known"},
    {"https::https://host/x", "scheme 'https::' is not known"},
    {"file::/x", "is not known"},
    {"codecommit::web", "codecommit:: wants a region after it"},
    {"codecommit:://web", "codecommit:: wants a region after it"},
    {"codecommit::EU-WEST-1://web", "codecommit:: wants a region after it"},
    {"codecommit::west://web", "codecommit:: wants a region after it"},
    {"codecommit::eu-west-1:web", "codecommit:: wants a region after it"},
    {"codecommit://", "letters, digits, '.', '_' and '-'"},
    {"codecommit://.", "letters, digits, '.', '_' and '-'"},
    {"codecommit://..", "letters, digits, '.', '_' and '-'"},
    {"codecommit://west@", "letters, digits, '.', '_' and '-'"},
    {"codecommit://@web", "stands a profile"},
    {"codecommit://-x@web", "stands a profile"},
    {"codecommit://a:b@web", "stands a profile"},
    {"codecommit://a%20b@web", "stands a profile"},
    {"codecommit://a@b@web", "letters, digits, '.', '_' and '-'"},
    {"codecommit://host:443", "letters, digits, '.', '_' and '-'"},
    {"codecommit://web%2Fx", "letters, digits, '.', '_' and '-'"},
    {"codecommit://web?x", "letters, digits, '.', '_' and '-'"},
    {"codecommit://web.git", "ends in '.git'"},
    {"codecommit://web/", "there is a path after it"},
    {"codecommit::eu-west-1://west@web/info/refs", "there is a path after it"},
    {"us-east-1://web/x", "there is a path after it"},
    {"us-east-1x://web", "scheme 'us-east-1x://' is not known"},
    {"us-east://web", "scheme 'us-east://' is not known"},
    {"host::path", "is not known"},
    {"git+ssh://host/x", "is not known"},
    {"ssh+git://host/x", "is not known"},
    {"ftp://host/x", "is not known"},
    {"ftps://host/x", "is not known"},
    {"rsync://host/x", "is not known"},
    {"ext://host/x", "is not known"},
    {"gopher://host/x", "is not known"},
    {"javascript://host/x", "is not known"},
    {"s3://bucket/x", "is not known"},
    {"httpss://host/x", "is not known"},
    {"1http://host/x", "is not known"},
    {"://host/x", "'//'"},
    {"ht_tp://host/x", "'//'"},
    {"-https://host/x", "'//'"},
    {" https://host/x", "'//'"},
    {"git@host://x", "'//'"},
    {"http:/host/x", "wants '//'"},
    {"https:host/x", "wants '//'"},
    {"HTTPS:host", "wants '//'"},
    {"file:/srv/x", "wants '//'"},
    {"[file]:x", "wants '//'"},
    {"[https:22]:x", "wants '//'"},
    {"[ext]::sh -c id", "':'"},
    {"git@ext::sh -c id", "':'"},
    // control characters, raw and encoded (CVE-2020-5260 and after)
    {"https://host/x\n", "control"},
    {"https://host\n.other/x", "control"},
    {"https://host/x\r\nhost=other", "control"},
    {std::string_view("https://host/x\0y", 16), "control"},
    {"https://host/\x7f", "control"},
    {"https://host/a\tb", "control"},
    {"https://host/\x1b[31m", "control"},
    {"https://host/\xff", "UTF-8"},
    {"https://host/\xc2\x85", "control"},
    {"https://host/\xe2\x80\xae", "control"},
    {"https://host%0a.other/x", "host name has a character"},
    {"https://host%00/x", "host name has a character"},
    {"https://host/%0a", "control"},
    {"https://host/%0d%0ahost=other", "control"},
    {"https://host/%00", "control"},
    {"https://host/%1f", "control"},
    {"https://host/%7F", "control"},
    {"https://host/x?%0a", "control"},
    {"https://ada%0ahunter2@host/x", "control"},
    {"https://ada:hunter2%0dx@host/x", "control"},
    {"https://ada:%00hunter2@host/x", "control"},
    {"https://ada:hunter2%ff@host/x", "UTF-8"},
    {"ssh://host/%0a", "control"},
    {"ssh://host/a%00b", "control"},
    {"ssh://host/%ff", "UTF-8"},
    {"ssh://host/%C2%85", "control"},
    {"git://host/%0ahost=other", "control"},
    {"file:///%0a", "control"},
    {"git@host:x\n", "control"},
    {"git\n@host:x", "control"},
    {"/srv/x\n", "control"},
    {"/srv/\x1b]0;x\x07", "control"},
    // two readings (CVE-2020-15104 and after)
    {"https://host\\@other/x", "backslash"},
    {"https://host\\.other/x", "backslash"},
    {"https:\\\\host/x", "wants '//'"},
    {"https://host\\x", "backslash"},
    {"https://host/a\\b", "percent-encoded"},
    {"https://host#@other/x", "before its path"},
    {"https://host?@other/x", "before its path"},
    {"https://host?x=1", "before its path"},
    {"https://host#x", "before its path"},
    {"https://ada:hunter2#@host/x", "before its path"},
    {"https://ada@hunter2@host/x", "more than one '@'"},
    {"https://ada:hunter2@evil@host/x", "more than one '@'"},
    {"https://ada:hun/ter2@host/x", "port"},
    {"https://ada:hunter2/@host/x", "port"},
    {"ssh://git@evil@host/x", "more than one '@'"},
    {"ssh://host\\other/x", "backslash"},
    {"git@host\\other:x", "backslash"},
    {"git@evil@host:x", "more than one '@'"},
    {"ada:hunter2@host/x", "after the ':'"},
    {"ada:hunter2@host", "after the ':'"},
    {"ada:/~hunter2@host", "after the ':'"},
    {"https://host/x#fragment", "fragment"},
    {"https://host/x?a#b", "fragment"},
    {"https://host/#", "fragment"},
    {"ssh://host/x#y", "'?' or '#'"},
    {"ssh://host/x?y", "'?' or '#'"},
    {"git://host/x?y", "'?' or '#'"},
    {"file:///x#y", "'?' or '#'"},
    {"https://host/a/../b", "'..'"},
    {"https://host/..", "'..'"},
    {"https://host/./x", "'.'"},
    {"https://host/a/.", "'.'"},
    {"https://host/%2e%2e/x", "'..'"},
    {"https://host/.%2E/x", "'..'"},
    {"https://host/%2e", "'.'"},
    {"file://host/x", "names no host"},
    {"file://localhost/x", "names no host"},
    {"file://C:/x", "names no host"},
    {"file://", "no path"},
    // hosts
    {"https:///x", "no host"},
    {"https://", "no host"},
    {"https://:443/x", "no host"},
    {"https://ada@/x", "no host"},
    {"https://ada:hunter2@:443/x", "no host"},
    {"ssh:///x", "no host"},
    {"git:///x", "no host"},
    {":x", "no host"},
    {"git@:x", "no host"},
    {"[]:x", "no host"},
    {"https://host./x", "'.'"},
    {"https://.host/x", "'.'"},
    {"https://a..b/x", "'.'"},
    {"https://./x", "'.'"},
    {"https://größe.example/x", "xn--"},
    {"https://ｈｏｓｔ/x", "xn--"},
    {"https://host。example/x", "xn--"},
    {"ssh://größe.example/x", "xn--"},
    {"git@größe.example:x", "xn--"},
    {"https://ho st/x", "host name has a character"},
    {"https://ho%20st/x", "host name has a character"},
    {"https://ho%2Est/x", "host name has a character"},
    {"https://host;x/x", "host name has a character"},
    {"https://host,other/x", "host name has a character"},
    {"https://ho*st/x", "host name has a character"},
    {"https://ho|st/x", "host name has a character"},
    {"ssh://host;id/x", "host name has a character"},
    {"ssh://$(id)/x", "host name has a character"},
    {"ssh://`id`/x", "host name has a character"},
    {"ssh://host&id/x", "host name has a character"},
    {"host;id:x", "host name has a character"},
    {"$(id):x", "host name has a character"},
    {"ho st:x", "host name has a character"},
    {"https://127.1/x", "no IPv4 address"},
    {"https://2130706433/x", "no IPv4 address"},
    {"https://0x7f000001/x", "no IPv4 address"},
    {"https://0X7F.1/x", "no IPv4 address"},
    {"https://0x/x", "no IPv4 address"},
    {"https://0177.0.0.1/x", "no IPv4 address"},
    {"https://127.0.0.01/x", "no IPv4 address"},
    {"https://256.0.0.1/x", "no IPv4 address"},
    {"https://1.2.3.4.5/x", "no IPv4 address"},
    {"https://example.1/x", "no IPv4 address"},
    {"ssh://127.1/x", "no IPv4 address"},
    {"127.1:x", "no IPv4 address"},
    {"https://[::1/x", "without ']'"},
    {"https://::1/x", "no host"},
    {"https://2001:db8::1/x", "no IPv4 address"},
    {"https://[::1]x/x", "after ']'"},
    {"https://[::1].example/x", "after ']'"},
    {"https://[::1]@other/x", "percent-encoded"},
    {"https://[]/x", "no IPv6 address"},
    {"https://[host]/x", "no IPv6 address"},
    {"https://[127.0.0.1]/x", "no IPv6 address"},
    {"https://[::g]/x", "no IPv6 address"},
    {"https://[1:2:3:4:5:6:7:8:9]/x", "no IPv6 address"},
    {"https://[fe80::1%25eth0]/x", "zone"},
    {"https://[fe80::1%eth0]/x", "zone"},
    {"[fe80::1%eth0]:x", "zone"},
    {"https://x[::1]/x", "host name has a character"},
    {"[host:x", "without ']:'"},
    {"[host]x:y", "without ']:'"},
    {"[[::1]:22]:x", "no IPv6 address"},
    {"git@[ada@host]:x", "two user names"},
    {"git@ada@[host]:x", "more than one '@'"},
    {"[git@ada@host:22]:x", "more than one '@'"},
    // ports
    {"https://host:0/x", "port"},
    {"https://host:65536/x", "port"},
    {"https://host:99999999999999999999/x", "port"},
    {"https://host:-1/x", "port"},
    {"https://host:+1/x", "port"},
    {"https://host: 1/x", "port"},
    {"https://host:/x", "port"},
    {"https://host:080/x", "port"},
    {"https://host:80x/x", "port"},
    {"https://host:0x50/x", "port"},
    {"https://host:80:81/x", "port"},
    {"https://[::1]:/x", "port"},
    {"https://[::1]:0/x", "port"},
    {"ssh://host:0/x", "port"},
    {"ssh://host:port/x", "port"},
    {"ssh://host:-oProxyCommand=id/x", "port"},
    {"git://host:70000/x", "port"},
    {"[host:0]:x", "port"},
    {"[host:]:x", "port"},
    {"[host:22x]:x", "port"},
    // user names
    {"ssh://@host/x", "user name is empty"},
    {"@host:x", "user name is empty"},
    {"ssh://git:hunter2@host/x", "no password"},
    {"ssh://git:@host/x", "no password"},
    {"ssh://gi;t@host/x", "user name has a character"},
    {"ssh://gi%20t@host/x", "user name has a character"},
    {"ssh://$(id)@host/x", "user name has a character"},
    {"ssh://`id`@host/x", "percent-encoded"},
    {"gi;t@host:x", "user name has a character"},
    {"gi t@host:x", "percent-encoded"},
    {"gi%41t@host:x", "'%'"},
    {"git://ada@host/x", "no user name"},
    {"https://a%3Ab:hunter2@host/x", "':'"},
    {"https://ada:hunter2{@host/x", "percent-encoded"},
    {"https://ada:hunter2%@host/x", "'%'"},
    {"https://ada:hunter2%4@host/x", "'%'"},
    {"https://ada:%zzhunter2@host/x", "'%'"},
    {"https://größe:hunter2@host/x", "percent-encoded"},
    // paths
    {"ssh://host", "no path"},
    {"git://host", "no path"},
    {"host:", "no path"},
    {"[::1]:", "no path"},
    {"https://host/a b", "percent-encoded"},
    {"https://host/größe", "percent-encoded"},
    {"https://host/\"x\"", "percent-encoded"},
    {"https://host/<x>", "percent-encoded"},
    {"https://host/{x}", "percent-encoded"},
    {"https://host/a|b^c`d", "percent-encoded"},
    {"https://host/[x]", "percent-encoded"},
    {"https://host/%", "'%'"},
    {"https://host/%4", "'%'"},
    {"https://host/%zz", "'%'"},
    {"https://host/x?%zz", "'%'"},
    {"https://host/x?a b", "percent-encoded"},
    {"ssh://host/%zz", "'%'"},
    {"file:///%", "'%'"},
};

TEST(Url, IsReadAsGitUsersWriteIt) {
  for (const Good& good : kGood) {
    SCOPED_TRACE(good.text);
    const Url url = must(Url::parse(good.text));
    EXPECT_EQ(url.scheme(), good.scheme);
    EXPECT_EQ(url.user(), good.user);
    EXPECT_EQ(url.host(), good.host);
    EXPECT_EQ(url.port(), good.port);
    EXPECT_EQ(url.path(), good.path);
    EXPECT_EQ(url.text(), good.shown != nullptr ? good.shown : good.text);
  }
}

TEST(Url, RefusesWhatIsDangerousOrHasTwoReadings) {
  for (const auto& bad : kBad) {
    SCOPED_TRACE(bad.text);
    const Result<Url> url = Url::parse(bad.text);
    EXPECT_FAILS(url, ErrorKind::Invalid, bad.part_of_message);
    ASSERT_FALSE(url.has_value());
    EXPECT_EQ(url.error().message().find("hunter2"), std::string::npos) << url.error().message();
  }
  EXPECT_FAILS(Url::parse("https://host/" + std::string(10'000, 'x')), ErrorKind::Invalid, "longer than");
  EXPECT_FAILS(Url::parse("https://" + std::string(64, 'x') + "/x"), ErrorKind::Invalid, "63");
  std::string host = "x";
  while (host.size() < 260) host += ".x";
  EXPECT_FAILS(Url::parse("https://" + host + "/x"), ErrorKind::Invalid, "253");
}

TEST(Url, TextIsReadAgainAsTheSamePlace) {
  for (const Good& good : kGood) {
    SCOPED_TRACE(good.text);
    const Url url = must(Url::parse(good.text));
    const Url again = must(Url::parse(url.text()));
    EXPECT_EQ(again.scheme(), url.scheme());
    EXPECT_EQ(again.host(), url.host());
    EXPECT_EQ(again.port(), url.port());
    EXPECT_EQ(again.path(), url.path());
    EXPECT_EQ(again.query(), url.query());
    EXPECT_EQ(again.user(), url.is_http() ? "" : url.user());
    EXPECT_EQ(again.text(), url.text());
  }
}

TEST(Url, KeepsItsSecretsToItself) {
  const Url url = must(Url::parse("https://ada:hunter2@host/x"));
  EXPECT_EQ(url.password().reveal(), "hunter2");
  EXPECT_EQ(url.text(), "https://host/x");
  EXPECT_EQ(url.request_text(), "https://host/x");
  EXPECT_EQ(url.origin(), "https://host");
  EXPECT_EQ(fmt::format("{}", url.password()), "***");
  EXPECT_EQ(must(Url::parse("https://ghp_token@host/x")).text(), "https://host/x");
}

TEST(Secret, CopiesAndMovesLikeItsText) {
  Secret one("hunter2");
  Secret two = one;
  EXPECT_EQ(two.reveal(), "hunter2");
  two = Secret("a longer one that does not fit into the string itself");
  one = std::move(two);
  EXPECT_EQ(one.reveal(), "a longer one that does not fit into the string itself");
  EXPECT_TRUE(Secret().empty());
}

// Attack C6: what is checked must be what is connected to, and libcurl is what connects.
std::string seen_by_curl(CURLU* handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return "";
  std::string out = text;
  curl_free(text);
  return out;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// curl writes one zero group in an IPv6 address as "::", the C library as "0".
std::string canonical(const std::string& host) {
  if (!host.starts_with('[')) return host;
  in6_addr bytes{};
  EXPECT_EQ(inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &bytes), 1) << host;
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, &bytes, text, sizeof text);
}

void expect_curl_agrees(const std::string& text, const Url& url) {
  SCOPED_TRACE(text);
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle(curl_url(), curl_url_cleanup);
  ASSERT_EQ(curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS), CURLUE_OK);
  EXPECT_EQ(seen_by_curl(handle.get(), CURLUPART_SCHEME), url.scheme() == Scheme::Https ? "https" : "http");
  EXPECT_EQ(canonical(lower_case(seen_by_curl(handle.get(), CURLUPART_HOST))), url.host());
  EXPECT_EQ(seen_by_curl(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT), std::to_string(url.port()));
  EXPECT_EQ(seen_by_curl(handle.get(), CURLUPART_PATH), url.path());
  EXPECT_EQ(seen_by_curl(handle.get(), CURLUPART_QUERY), url.query());
}

void expect_curl_agrees_both_ways(const std::string& text, const Url& url) {
  expect_curl_agrees(text, url);
  expect_curl_agrees(url.request_text(), url);
}

TEST(Url, IsReadByCurlInTheSameWay) {
  for (const Good& good : kGood) {
    const Url url = must(Url::parse(good.text));
    if (url.is_http()) expect_curl_agrees_both_ways(good.text, url);
  }
}

TEST(Url, IsReadByCurlInTheSameWayHoweverItIsMangled) {
  std::vector<std::string> seeds;
  for (const Good& good : kGood) {
    if (good.scheme == kHttps || good.scheme == kHttp) seeds.emplace_back(good.text);
  }
  for (const auto& bad : kBad) {
    if (bad.text.starts_with("https://")) seeds.emplace_back(bad.text);
  }
  const std::string_view pieces[] = {"@", ":",   "/",   "\\",  "#",   "?", "[",  "]",  ".",     "..",
                                     "%", "%0a", "%2e", "%40", "%2F", "0", "0x", "1",  "8080",  "-",
                                     "_", ";",   " ",   "\n",  "a",   "Z", "::", "//", "127.1", "&"};
  std::mt19937 random(20'261'122);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t at = 8 + below(text.size() > 8 ? text.size() - 7 : 1);
      if (at > text.size()) continue;
      text.replace(at, below(3), pieces[below(std::size(pieces))]);
    }
    const Result<Url> url = Url::parse(text);
    if (!url || !url->is_http()) continue;
    ++accepted;
    expect_curl_agrees_both_ways(text, *url);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(accepted, 10'000);
}

TEST(Url, OriginIsSchemeHostAndPort) {
  const auto url = [](const char* text) { return must(Url::parse(text)); };
  EXPECT_EQ(url("https://ada@HOST:443/x").origin(), "https://host");
  EXPECT_EQ(url("https://host:8443/x").origin(), "https://host:8443");
  EXPECT_EQ(url("http://[::1]:80/x").origin(), "http://[::1]");
  EXPECT_TRUE(url("https://host/x").same_origin(url("https://ada@HOST:443/y")));
  EXPECT_FALSE(url("https://host/x").same_origin(url("http://host/x")));
  EXPECT_FALSE(url("https://host/x").same_origin(url("https://host:8443/x")));
  EXPECT_FALSE(url("https://host/x").same_origin(url("https://host.other/x")));
  EXPECT_TRUE(url("https://host:443/x").has_explicit_port());
}

TEST(Url, GrowsASuffixAndAQuery) {
  const Url url = must(Url::parse("https://ada:pw@host/x?tenant=1"));
  EXPECT_EQ(url.with_path_suffix("/info/refs").with_query("service=git-upload-pack").request_text(),
            "https://host/x/info/refs?service=git-upload-pack");
  EXPECT_EQ(must(Url::parse("https://host/x/")).with_path_suffix("/info/refs").path(), "/x/info/refs");
  EXPECT_EQ(must(Url::parse("https://host")).with_path_suffix("/info/refs").path(), "/info/refs");
  EXPECT_EQ(url.with_path_suffix("/info/refs").user(), "ada");
}

TEST(Url, ResolvesWhatAServerPointsTo) {
  const Url url = must(Url::parse("https://ada:pw@host:8443/a/b?x=1"));
  const struct {
    const char *reference, *resolved;
  } cases[] = {
      {"https://other/x", "https://other/x"},       {"https://host:8443/y?z", "https://host:8443/y?z"},
      {"http://host:8443/y", "http://host:8443/y"}, {"//other/y", "https://other/y"},
      {"/y/z?q=1", "https://host:8443/y/z?q=1"},    {"c", "https://host:8443/a/c"},
      {"c/d:e", "https://host:8443/a/c/d:e"},       {"?q", "https://host:8443/a/b?q"},
  };
  for (const auto& c : cases) EXPECT_EQ(must(url.resolve(c.reference)).request_text(), c.resolved) << c.reference;
  EXPECT_EQ(must(url.resolve("/y")).user(), "ada");
  EXPECT_EQ(must(url.resolve("https://HOST:8443/y")).password().reveal(), "pw");
  EXPECT_EQ(must(url.resolve("https://other/y")).user(), "");

  const char* refused[] = {"",
                           "/\\other/x",
                           "\\\\other/x",
                           "///x",
                           "//ada:pw@other/x",
                           "https://ada@host:8443/x",
                           "file:///x",
                           "ssh://host/x",
                           "ext::sh",
                           "git@host:x",
                           "javascript:x",
                           "/a/../b",
                           "/%0d%0ax",
                           "/x\r\nSet: 1",
                           "/a b",
                           "/x#y",
                           "../x",
                           "https://host:0/x",
                           "//",
                           "https:/host/x",
                           "c:d",
                           "//host\\@x"};
  for (const char* reference : refused) EXPECT_FAILS(url.resolve(reference), ErrorKind::Invalid, "");
}

TEST(PercentDecode, TakesTwoDigitsOrNothing) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%2fd"), "a b/c/d");
  EXPECT_EQ(percent_decode(""), "");
  for (const char* text : {"%", "%4", "a%", "%g0", "%0g", "%%20"})
    EXPECT_EQ(percent_decode(text), std::nullopt) << text;
}

TEST(PercentEncode, LeavesOnlyUnreservedBytesAsTheyAre) {
  EXPECT_EQ(percent_encode("aZ09-._~/ +\xC3\xA9"), "aZ09-._~%2F%20%2B%C3%A9");
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
}

}  // namespace
}  // namespace packferry
