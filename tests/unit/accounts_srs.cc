// SRS addresses, and those of a real postsrsd: both must understand each other.
#include "accounts/srs.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/poll_until.h"
#include "base/unique_handle.h"
#include "support/temporary_folder.h"

namespace sekisho::accounts {

namespace {

using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* secret = "a secret of a test";
const Srs srs({secret}, "srs.example");
const WallTime now = parse_time("2026-11-30T12:00:00Z").value();

std::string raw(const std::optional<mail::Path>& path) { return path ? path->raw() : "-"; }

TEST(AccountsSrs, SendersGoAndComeBack) {
  for (const auto* sender :
       {"a@x.example", "A.b+c@X.example", "a..b.@docomo.example", ".a@docomo.example",
        "a=b=c@x.example", "\"a b\"@x.example", "\"a@b\"@x.example", "SRS0@x.example",
        "srs0x=a@x.example", "\xe3\x81\x82@x.example"}) {
    const auto path = srs.forward(sender, now);
    ASSERT_TRUE(path) << sender;
    EXPECT_THAT(path->raw(), HasSubstr("@srs.example"));
    EXPECT_TRUE(srs.is_ours(*path)) << path->raw();
    EXPECT_EQ(raw(srs.reverse(*path, now)), sender);
  }
}

TEST(AccountsSrs, AForwardersAddressIsPassedOnWithoutGrowing) {
  const auto theirs = Srs({"x"}, "forward.example").forward("a@x.example", now);
  const auto ours = srs.forward(*theirs, now);
  EXPECT_THAT(raw(ours), StartsWith("SRS1="));
  EXPECT_EQ(raw(srs.reverse(*ours, now)), theirs->raw());
  const Srs third({"z"}, "third.example");
  const auto again = third.forward(*ours, now);
  EXPECT_THAT(raw(again), StartsWith("SRS1="));
  EXPECT_THAT(raw(again), HasSubstr("=forward.example=="));
  // It comes back to the first forwarder directly.
  EXPECT_EQ(raw(third.reverse(*again, now)), theirs->raw());
}

TEST(AccountsSrs, WhatCannotBeRewrittenStays) {
  EXPECT_FALSE(srs.forward({}, now));
  EXPECT_FALSE(srs.forward("postmaster", now));
  EXPECT_FALSE(srs.forward(std::string(230, 'a') + "@x.example", now));
  EXPECT_FALSE(srs.forward("SRS1=abcd=x@y.example", now));
  EXPECT_FALSE(Srs({}, "srs.example").forward("a@x.example", now));
}

TEST(AccountsSrs, ForgedAddressesAreRefused) {
  const std::string good = srs.forward("a@x.example", now)->raw();
  const auto changed = [&](std::size_t at, char with) {
    std::string text = good;
    text[at] = with;
    return raw(srs.reverse(text, now));
  };
  EXPECT_EQ(raw(srs.reverse(good, now)), "a@x.example");
  for (std::size_t at = 5; at < 9; ++at)
    EXPECT_EQ(changed(at, good[at] == '0' ? '1' : '0'), "-") << at;
  EXPECT_EQ(changed(10, good[10] == 'A' ? 'B' : 'A'), "-");
  EXPECT_EQ(changed(good.find("x.ex"), 'y'), "-");
  for (const auto* bad :
       {"SRS0=@srs.example", "SRS0==@srs.example", "SRS0=a=b=c@srs.example",
        "SRS0=aaaa=bb=c=@srs.example", "SRS1=aaaa=x=y@srs.example", "SRS1=@srs.example",
        "SRS0=aaa=AA=x.example=a@srs.example", "SRS0=aaaa=!!=x.example=a@srs.example"}) {
    EXPECT_TRUE(srs.is_ours(bad)) << bad;
    EXPECT_FALSE(srs.reverse(bad, now)) << bad;
  }
  EXPECT_FALSE(srs.is_ours("SRS0=a=b=c=d@other.example"));
  EXPECT_FALSE(srs.is_ours("SRS0@srs.example"));
  EXPECT_FALSE(srs.is_ours("a@srs.example"));
}

TEST(AccountsSrs, CaseIsNoDifference) {
  std::string text = srs.forward("alice@x.example", now)->raw();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  EXPECT_EQ(raw(srs.reverse(text, now)), "alice@x.example");
}

TEST(AccountsSrs, AnAddressHoldsForThreeWeeks) {
  using std::chrono::days;
  const auto path = srs.forward("a@x.example", now);
  for (const int age : {0, 1, 20, 21}) EXPECT_TRUE(srs.reverse(*path, now + days(age))) << age;
  for (const int age : {22, 100, 1000}) EXPECT_FALSE(srs.reverse(*path, now + days(age))) << age;
  EXPECT_FALSE(srs.reverse(*path, now - days(1)));
  // The day has a round of 1024.
  for (int day = 0; day < 1100; day += 7) {
    const auto then = now + days(day);
    EXPECT_TRUE(srs.reverse(*srs.forward("a@x.example", then), then + days(21))) << day;
  }
}

TEST(AccountsSrs, OlderSecretsAreRecognised) {
  const auto old = srs.forward("a@x.example", now);
  const Srs renewed({"new", secret}, "srs.example");
  EXPECT_TRUE(renewed.reverse(*old, now));
  EXPECT_NE(renewed.forward("a@x.example", now)->raw(), old->raw());
  EXPECT_FALSE(Srs({"new"}, "srs.example").reverse(*old, now));
}

TEST(AccountsSrs, TheSecretIsMadeOnce) {
  const test::TemporaryFolder folder;
  const auto first = srs_secrets(folder.file("srs"));
  ASSERT_TRUE(first) << first.error();
  EXPECT_EQ(srs_secrets(folder.file("srs")), first);
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("srs").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_GE(first->front().size(), 32U);
  std::ofstream(folder.file("empty")) << "\n";
  EXPECT_THAT(srs_secrets(folder.file("empty")).error(), HasSubstr("no secret"));
  EXPECT_FALSE(srs_secrets(folder.file("none/srs")));
}

std::uint16_t free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// postsrsd 1.10 with the same secret and domain: a table of Postfix over TCP, two ports.
class PostSrsd {
 public:
  PostSrsd() {
    std::ofstream(folder_.file("secret")) << secret << "\n";
    const std::string words[] = {
        "-s" + folder_.file("secret"),   "-dsrs.example", "-f" + std::to_string(forward_),
        "-r" + std::to_string(reverse_), "-l127.0.0.1",   "-4"};
    process_ = ::fork();
    if (process_ == 0) {
      ::execlp("postsrsd", "postsrsd", words[0].c_str(), words[1].c_str(), words[2].c_str(),
               words[3].c_str(), words[4].c_str(), words[5].c_str(), nullptr);
      ::_exit(127);
    }
  }
  PostSrsd(const PostSrsd&) = delete;
  PostSrsd& operator=(const PostSrsd&) = delete;
  ~PostSrsd() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  std::string forward(const std::string& address) { return ask(forward_, address); }
  std::string reverse(const std::string& address) { return ask(reverse_, address); }

 private:
  static UniqueFd connected(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (const auto end = steady_now() + 20s; steady_now() < end; ::poll(nullptr, 0, 10)) {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto* where = reinterpret_cast<const sockaddr*>(&address);
      if (::connect(fd.get(), where, sizeof address) == 0) return fd;
    }
    return {};
  }
  // The address of "200 …"; "-" for another answer.
  static std::string ask(std::uint16_t port, const std::string& address) {
    const UniqueFd fd = connected(port);
    const std::string line = "get " + address + "\n";
    EXPECT_EQ(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
    std::string answer;
    while (answer.empty() || answer.back() != '\n') {
      char octet = 0;
      if (poll_until(fd.get(), POLLIN, steady_now() + 10s) != Polled::ready) return "no answer";
      if (::recv(fd.get(), &octet, 1, 0) != 1) return "no answer";
      answer += octet;
    }
    return answer.starts_with("200 ") ? answer.substr(4, answer.size() - 5) : "-";
  }

  const test::TemporaryFolder folder_;
  const std::uint16_t forward_ = free_port();
  const std::uint16_t reverse_ = free_port();
  pid_t process_ = -1;
};

TEST(AccountsSrs, PostsrsdAndWeUnderstandEachOther) {
  PostSrsd postsrsd;
  const std::string theirs = Srs({"x"}, "forward.example").forward("a@x.example")->raw();
  const std::string second = Srs({"z"}, "third.example").forward(mail::Path(theirs))->raw();
  for (const std::string& sender :
       {std::string("a@x.example"), std::string("Alice.B+c@X.Example"),
        std::string("a..b.@docomo.example"), std::string("a=b=c@x.example"), theirs, second}) {
    const std::string made = postsrsd.forward(sender);
    const auto ours = srs.forward(mail::Path(sender));
    ASSERT_TRUE(ours) << sender;
    // Around midnight their days may differ.
    if (made != ours->raw()) {
      EXPECT_EQ(postsrsd.forward(sender), srs.forward(mail::Path(sender))->raw());
    }
    // A bounce of what went over two forwarders goes to the first one directly.
    const std::string& back = sender == second ? theirs : sender;
    EXPECT_EQ(raw(srs.reverse(mail::Path(made))), back);
    EXPECT_EQ(postsrsd.reverse(ours->raw()), back);
  }
  EXPECT_EQ(postsrsd.reverse("SRS0=AAAA=AA=x.example=a@srs.example"), "-");
}

}  // namespace

}  // namespace sekisho::accounts
