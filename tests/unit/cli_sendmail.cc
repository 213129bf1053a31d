// sendmail(1): the command lines that real programs use, the text they give, and what becomes of a
// message with and without a daemon.
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_handle.h"
#include "base/unix_socket.h"
#include "cli/drop_file.h"
#include "cli/exit_code.h"
#include "cli/sendmail.h"
#include "cli/sendmail_message.h"
#include "cli/sendmail_submit.h"

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;
using Mode = SendmailOptions::Mode;
using Strings = std::vector<std::string>;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sekisho-sendmail-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
    ::chmod(path_.c_str(), 0755);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

SendmailOptions options_of(const Strings& words) {
  const auto read = read_sendmail_options(words);
  EXPECT_TRUE(read) << read.error();
  return read.value_or(SendmailOptions{});
}

TEST(SendmailOptions, AreThoseOfRealPrograms) {
  const auto cron =
      options_of({"/usr/sbin/sendmail", "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"});
  EXPECT_EQ(cron.full_name, "CronDaemon");
  EXPECT_FALSE(cron.dots);
  EXPECT_EQ(cron.body, "8BITMIME");
  EXPECT_EQ(cron.recipients, Strings{"root"});
  EXPECT_FALSE(cron.from_header);

  const auto php = options_of({"sendmail", "-t", "-i", "-f", "www@a.example"});
  EXPECT_TRUE(php.from_header);
  EXPECT_EQ(php.sender, "www@a.example");

  const auto mutt =
      options_of({"sendmail", "-oem", "-oi", "-f", "a@a.example", "-N", "failure,delay", "-R",
                  "hdrs", "-B", "8BITMIME", "--", "b@b.example", "-odd@c.example"});
  EXPECT_EQ(mutt.notify, "FAILURE,DELAY");
  EXPECT_EQ(mutt.ret, "HDRS");
  EXPECT_FALSE(mutt.dots);
  EXPECT_EQ(mutt.recipients, (Strings{"b@b.example", "-odd@c.example"}));

  const auto git = options_of({"sendmail", "-f", "<a@a.example>", "-i", "<b@b.example>"});
  EXPECT_EQ(git.sender, "a@a.example");
  EXPECT_EQ(git.recipients, Strings{"b@b.example"});

  EXPECT_EQ(options_of({"sendmail", "-f", ""}).sender, "");
  EXPECT_EQ(options_of({"sendmail", "-f<>"}).sender, "");
  EXPECT_EQ(options_of({"sendmail", "-tiv"}).verbose, true);
  EXPECT_EQ(options_of({"sendmail", "-G", "-U", "-Am", "-L", "x", "-oMrSMTP", "-O", "a=b", "-h9",
                        "-em", "r"})
                .recipients,
            Strings{"r"});
}

TEST(SendmailOptions, NamesAndModes) {
  EXPECT_EQ(options_of({"sendmail"}).mode, Mode::deliver);
  EXPECT_EQ(options_of({"sendmail", "-bm", "a"}).mode, Mode::deliver);
  EXPECT_EQ(options_of({"sendmail", "-bs"}).mode, Mode::smtp);
  EXPECT_EQ(options_of({"sendmail", "-bp"}).mode, Mode::list_queue);
  EXPECT_EQ(options_of({"/usr/bin/mailq"}).mode, Mode::list_queue);
  EXPECT_EQ(options_of({"newaliases"}).mode, Mode::aliases);
  EXPECT_EQ(options_of({"sendmail", "-bi"}).mode, Mode::aliases);
  EXPECT_EQ(options_of({"sendmail", "-q"}).mode, Mode::flush_queue);
  EXPECT_EQ(options_of({"sendmail", "-q30m"}).mode, Mode::flush_queue);
  EXPECT_TRUE(is_sendmail_name("/usr/lib/sendmail"));
  EXPECT_TRUE(is_sendmail_name("mailq.sekisho"));
  EXPECT_FALSE(is_sendmail_name("/usr/bin/sekisho"));
  EXPECT_FALSE(is_sendmail_name("sendmail.postfix"));
}

TEST(SendmailOptions, WhatCannotBeDoneIsAnError) {
  for (const Strings& words :
       {Strings{"sendmail", "-bd"}, Strings{"sendmail", "-bt"},
        Strings{"sendmail", "-N", "perhaps"}, Strings{"sendmail", "-N", "never,delay"},
        Strings{"sendmail", "-R", "some"}, Strings{"sendmail", "-f"},
        Strings{"sendmail", "-V", "a b"}, Strings{"sendmail", "-W"}}) {
    EXPECT_FALSE(read_sendmail_options(words)) << words.back();
  }
}

SendmailMessage message_of(const std::string& text,
                           const Strings& words = {"sendmail", "-t", "-i"}) {
  return read_sendmail_message(text, options_of(words), "root");
}

TEST(SendmailMessage, LinesEndInOneWay) {
  EXPECT_EQ(message_of("From: a\nSubject: x\r\n\r\none\ntwo\r\nthr\ree").content,
            "From: a\r\nSubject: x\r\n\r\none\r\ntwo\r\nthr ee\r\n");
}

TEST(SendmailMessage, ALoneDotEndsItUnlessItIsIgnored) {
  const std::string text = "From: a\n\none\n..\n.\ntwo\n";
  EXPECT_EQ(message_of(text, {"sendmail", "b"}).content, "From: a\r\n\r\none\r\n..\r\n");
  EXPECT_EQ(message_of(text, {"sendmail", "-i", "b"}).content,
            "From: a\r\n\r\none\r\n..\r\n.\r\ntwo\r\n");
}

TEST(SendmailMessage, GetsAnAuthorAndAnEmptyLine) {
  EXPECT_EQ(message_of("hello: world\n").content, "hello: world\r\nFrom: root\r\n\r\n");
  EXPECT_EQ(message_of("no header here\nbody\n").content,
            "From: root\r\n\r\nno header here\r\nbody\r\n");
  EXPECT_EQ(message_of("From bob Mon Nov 30\nSubject: x\n\nb\n").content,
            "Subject: x\r\nFrom: root\r\n\r\nb\r\n");
  EXPECT_EQ(message_of("").content, "From: root\r\n\r\n");
  EXPECT_EQ(message_of("Subject: a\nno field\n").content,
            "Subject: a\r\nFrom: root\r\n\r\nno field\r\n");
}

TEST(SendmailMessage, RecipientsOfTheHeaderAndNoTraceOfTheBlindOnes) {
  const auto message = message_of(
      "From: a@a.example\nTo: root, \"Bob, the\" <bob@b.example>,\n  c@c.example (not "
      "d@d.example)\n"
      "Bcc: secret@s.example,\n folded@s.example\nCC: team: e@e.example, \"f "
      "g\"@g.example;\n\nBcc: "
      "x\n");
  EXPECT_EQ(message.recipients, (Strings{"root", "bob@b.example", "c@c.example", "secret@s.example",
                                         "folded@s.example", "e@e.example", "\"f g\"@g.example"}));
  EXPECT_EQ(message.content.find("secret"), std::string::npos);
  EXPECT_EQ(message.content.find("folded"), std::string::npos);
  EXPECT_NE(message.content.find("\r\n\r\nBcc: x\r\n"), std::string::npos);
}

TEST(SendmailMessage, OneThatIsSentAgainGoesToTheNewRecipientsAlone) {
  const auto message =
      message_of("Resent-To: n@n.example\nResent-Bcc: m@m.example\nTo: old@o.example\n\n");
  EXPECT_EQ(message.recipients, (Strings{"n@n.example", "m@m.example"}));
  EXPECT_EQ(message.content.find("m@m"), std::string::npos);
}

TEST(DropFile, SaysWhatItWasTold) {
  const Dropped dropped{"MAIL FROM:<root> RET=HDRS",
                        {"RCPT TO:<a>", "RCPT TO:<b@b.example>"},
                        "From: x\r\n\r\n\r\nb"};
  const auto parsed = Dropped::parse(dropped.text());
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, dropped);
  for (const char* wrong :
       {"", "root:x:0:0", "sekisho-drop 1\n", "sekisho-drop 1\nMAIL FROM:<a>\n\nx",
        "sekisho-drop 1\nMAIL FROM:<a>\nRCPT TO:<b>\n",
        "sekisho-drop 1\nMAIL FROM:<a>\nRCPT TO:<b>\nDATA\n\nx",
        "sekisho-drop 1\nRCPT TO:<b>\nMAIL FROM:<a>\n\nx"}) {
    EXPECT_FALSE(Dropped::parse(wrong)) << wrong;
  }
}

// A server that answers each line by the next of its answers, and keeps what it was told.
class FakeDaemon {
 public:
  FakeDaemon(const std::string& path, Strings answers) : answers_(std::move(answers)) {
    auto fd = listen_unix({path, 0666, "", ""});
    EXPECT_TRUE(fd) << fd.error();
    listening_ = std::move(*fd);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeDaemon() { join(); }
  std::string told() {
    join();
    return told_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve() {
    pollfd ready{listening_.get(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    const UniqueFd fd(::accept(listening_.get(), nullptr, nullptr));
    std::string unread;
    for (const auto& answer : answers_) {
      const std::string line = answer + "\r\n";
      if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) return;
      const std::string end = answer.starts_with("354") ? "\r\n.\r\n" : "\r\n";
      std::size_t found;
      while ((found = unread.find(end)) == std::string::npos) {
        char octets[4096];
        const ssize_t count = ::recv(fd.get(), octets, sizeof octets, 0);
        if (count <= 0) return;
        unread.append(octets, static_cast<std::size_t>(count));
      }
      told_ += unread.substr(0, found + end.size());
      unread.erase(0, found + end.size());
    }
  }

  Strings answers_;
  UniqueFd listening_;
  std::string told_;
  std::thread thread_;
};

Submitted submit_to(const std::string& path, const SendmailOptions& options = {}) {
  auto fd = connect_unix(path);
  EXPECT_TRUE(fd) << fd.error();
  return submit(std::move(*fd),
                envelope_of({"root", {"a", "b@b.example"}, "From: root\r\n\r\n.x\r\n"}, options));
}
const Strings both = {"RCPT TO:<a>", "RCPT TO:<b@b.example>"};

TEST(SendmailSubmit, HandsTheMessageOver) {
  const Folder folder;
  FakeDaemon daemon(folder / "s",
                    {"220 mx ESMTP", "250-mx\r\n250-DSN\r\n250 8BITMIME", "250 2.1.0 Ok",
                     "250 2.1.5 Ok", "250 2.1.5 Ok", "354 go on", "250 2.0.0 Ok: queued as X"});
  const auto done =
      submit_to(folder / "s", options_of({"sendmail", "-N", "never", "-V", "a+b", "-B8BITMIME"}));
  EXPECT_EQ(done.answer, "250 2.0.0 Ok: queued as X");
  EXPECT_TRUE(done.refused.empty());
  EXPECT_TRUE(done.waiting.empty());
  const auto told = daemon.told();
  EXPECT_EQ(told.substr(told.find("\r\n") + 2),
            "MAIL FROM:<root> BODY=8BITMIME ENVID=a+2Bb\r\nRCPT TO:<a> NOTIFY=NEVER\r\n"
            "RCPT TO:<b@b.example> NOTIFY=NEVER\r\nDATA\r\nFrom: root\r\n\r\n..x\r\n.\r\nQUIT\r\n");
}

TEST(SendmailSubmit, EachRecipientHasItsFate) {
  const Folder folder;
  FakeDaemon daemon(folder / "s",
                    {"220 mx", "250 mx", "250 Ok", "550 5.1.3 Bad", "451 4.3.0 Later"});
  const auto done = submit_to(folder / "s");
  EXPECT_EQ(done.waiting, Strings{"RCPT TO:<b@b.example>"});
  EXPECT_EQ(done.why_waiting, "451 4.3.0 Later");
  ASSERT_EQ(done.refused.size(), 1U);
  EXPECT_EQ(done.refused[0].rcpt, "RCPT TO:<a>");
}

TEST(SendmailSubmit, WhatIsNotTakenWaits) {
  const Folder folder;
  const Strings upTo354 = {"220 mx", "250 mx", "250 Ok", "250 Ok", "250 Ok", "354 go"};
  const Strings rejected = {"220 mx", "250 mx", "250 Ok",        "250 Ok",
                            "250 Ok", "354 go", "452 4.3.1 Full"};
  for (const Strings& answers :
       {Strings{"421 4.3.2 Stopping"}, Strings{"220 mx", "250 mx", "451 4.3.0 Full"}, upTo354,
        rejected}) {
    FakeDaemon daemon(folder / "s", answers);
    const auto done = submit_to(folder / "s");
    EXPECT_EQ(done.waiting, both) << answers.back();
    EXPECT_TRUE(done.refused.empty());
    EXPECT_TRUE(done.answer.empty());
  }
}

// As another program runs it: arguments, standard input, a uid. Returns the exit code.
int run_as(uid_t uid, const SendmailPlaces& places, const Strings& words, const std::string& text) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[0], 0);
    ::close(ends[1]);
    if (::getuid() == 0 && ::setuid(uid) != 0) ::_exit(1);
    std::vector<const char*> argv;
    for (const auto& word : words) argv.push_back(word.c_str());
    ::_exit(sendmail(static_cast<int>(argv.size()), argv.data(), places));
  }
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Strings files_of(const std::string& folder) {
  Strings names;
  for (const auto& each : fs::directory_iterator(folder)) names.push_back(each.path().string());
  return names;
}

constexpr uid_t nobody = 65534;

TEST(Sendmail, WithoutADaemonTheMessageWaitsInTheDropFolder) {
  const Folder folder;
  ASSERT_EQ(::mkdir((folder / "drop").c_str(), 0), 0);
  ASSERT_EQ(::chmod((folder / "drop").c_str(), 01733), 0);
  const SendmailPlaces places{folder / "nobody.sock", folder / "drop"};
  EXPECT_EQ(run_as(nobody, places, {"sendmail", "-i", "-f", "a@a.example", "root"},
                   "From: a\nSubject: x\n\n.\nb\n"),
            ok);
  const auto files = files_of(folder / "drop");
  ASSERT_EQ(files.size(), 1U);
  struct stat status {};
  ASSERT_EQ(::lstat(files[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, S_IFREG | 0644);
  EXPECT_EQ(status.st_uid, ::getuid() == 0 ? nobody : ::getuid());
  std::ifstream in(files[0]);
  const auto parsed = Dropped::parse(std::string(std::istreambuf_iterator<char>(in), {}));
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->mail, "MAIL FROM:<a@a.example>");
  EXPECT_EQ(parsed->rcpts, Strings{"RCPT TO:<root>"});
  EXPECT_EQ(parsed->content, "From: a\r\nSubject: x\r\n\r\n.\r\nb\r\n");
}

TEST(Sendmail, TellsByItsExitCodeWhatBecameOfTheMessage) {
  const Folder folder;
  const SendmailPlaces nowhere{folder / "nobody.sock", folder / "no-folder"};
  EXPECT_EQ(run_as(nobody, nowhere, {"sendmail", "root"}, "x\n"), temporary);
  EXPECT_EQ(run_as(nobody, nowhere, {"sendmail", "-t"}, "Subject: to nobody\n\n"), usage);
  EXPECT_EQ(run_as(nobody, nowhere, {"sendmail", "-bd"}, ""), usage);
  EXPECT_EQ(run_as(nobody, nowhere, {"sendmail", "a\x01z@b.example"}, "x\n"), data_error);
  EXPECT_EQ(run_as(nobody, nowhere, {"sendmail", "-bs"}, "QUIT\r\n"), temporary);
  EXPECT_EQ(run_as(nobody, nowhere, {"newaliases"}, ""), ok);
  FakeDaemon daemon(folder / "s", {"220 mx", "250 mx", "250 Ok", "550 5.1.3 Bad address"});
  EXPECT_EQ(run_as(nobody, {folder / "s", folder / "no-folder"}, {"sendmail", "root"}, "x\n"),
            unavailable);
}

TEST(Sendmail, TheQueueOfAHostIsShownToItsAdmin) {
  const Folder folder;
  ASSERT_EQ(::mkdir((folder / "closed").c_str(), 0), 0);
  SendmailPlaces places{folder / "nobody.sock", folder / "drop"};
  places.queue = folder / "closed";
  EXPECT_EQ(run_as(nobody, places, {"mailq"}, ""), no_permission);
  places = {folder / "nobody.sock", folder / "drop"};
  places.config = folder / "closed/milter.conf";
  EXPECT_EQ(run_as(nobody, places, {"sendmail", "-bp"}, ""), no_permission);
  EXPECT_EQ(run_as(nobody, places, {"sendmail", "-q"}, ""), no_permission);
}

}  // namespace
}  // namespace sekisho::cli
