#include "smtp/gate.h"

#include "base/ascii.h"
#include "relay/maildir.h"

namespace sekisho::smtp {

namespace {

using relay::Standing;

std::string about(const mail::Path& path, std::string_view text) {
  return "<" + path.raw() + ">: " + std::string(text);
}

Refusal refusal(int code, std::string_view status, const std::string& text, std::string note = {}) {
  return {mail::SmtpReply(code, status, text), std::move(note)};
}

// Those whose bare names mean our own users.
bool is_at_home(Standing standing) {
  return standing == Standing::local || standing == Standing::login ||
         standing == Standing::trusted || standing == Standing::permitted;
}

bool is_bare(const mail::Path& path) { return !path.is_null() && !path.has_domain(); }

mail::Path at_origin(const Site& site, const mail::Path& path) {
  return path.raw() + "@" + site.origin;
}

std::optional<Refusal> unless_it_exists(accounts::Existence existence, const mail::Path& path) {
  switch (existence) {
    case accounts::Existence::exists:
    case accounts::Existence::ask:
      return std::nullopt;
    case accounts::Existence::missing:
      return refusal(550, "5.1.1", about(path, "Recipient address rejected: User unknown"));
    case accounts::Existence::unknown:
      return refusal(451, "4.3.0",
                     about(path,
                           "Recipient address rejected: the list of recipients "
                           "cannot be read now"));
  }
  return std::nullopt;
}

// An alias that leads to a program, a file or back to itself: mail for it waits where it is, and
// that for others goes on.
std::optional<Refusal> unless_alias_has_fault(const accounts::Expansion& expansion,
                                              const mail::Path& path) {
  if (expansion.fault.empty()) return std::nullopt;
  return refusal(451, "4.3.0",
                 about(path, "Recipient address rejected: mail for it cannot be delivered now"),
                 expansion.fault);
}

// A name that can be no folder has no Maildir.
std::optional<Refusal> unless_it_has_folder(const Site& site, const RecipientAnswer& answer,
                                            const accounts::Expansion& expansion,
                                            const mail::Path& path) {
  const bool maildir =
      answer.route != nullptr && answer.route->via.kind == relay::Via::Kind::maildir;
  const auto& to = expansion.recipients;
  const bool itself = to.size() == 1 && to.front().path.raw() == answer.path.raw();
  if (!maildir || !itself) return std::nullopt;
  const auto folder = relay::maildir_of(answer.route->via.target, answer.path, site.delimiter);
  if (folder) return std::nullopt;
  return refusal(550, "5.1.3", about(path, "Recipient address rejected: " + folder.error()));
}

RecipientAnswer refused(RecipientAnswer answer, Refusal why) {
  answer.code = RecipientAnswer::Code::refuse;
  answer.refusal = std::move(why);
  return answer;
}

RecipientAnswer who_exists(const Site& site, Standing standing, RecipientAnswer answer,
                           const mail::Path& recipient) {
  using accounts::Existence;
  // A user's program on this host cannot be told: it is accepted, and then bounced to the user.
  const bool asked = standing != Standing::local &&
                     (answer.route != nullptr || site.routes->is_own_name(answer.path.domain()));
  const auto existence =
      asked ? site.directory->exists(answer.path, answer.route) : Existence::exists;
  if (auto why = unless_it_exists(existence, recipient)) return refused(answer, std::move(*why));
  const auto expansion = site.directory->expand(mail::Path(), answer.path);
  if (auto why = unless_alias_has_fault(expansion, recipient)) {
    return refused(answer, std::move(*why));
  }
  if (!asked) return answer;
  if (auto why = unless_it_has_folder(site, answer, expansion, recipient)) {
    return refused(answer, std::move(*why));
  }
  if (existence == Existence::ask && answer.route != nullptr) {
    answer.code = RecipientAnswer::Code::ask;
  }
  return answer;
}

}  // namespace

bool is_postmaster(const mail::Path& path) {
  return ascii::iequals(path.local_part(), "postmaster");
}

SenderAnswer at_mail(const Site& site, const Client& client, Standing standing,
                     const mail::Path& sender) {
  SenderAnswer answer{sender, std::nullopt};
  if (is_bare(sender)) {
    if (!is_at_home(standing)) {
      answer.refusal = refusal(
          504, "5.5.2", about(sender, "Sender address rejected: need fully-qualified address"));
      return answer;
    }
    answer.path = at_origin(site, sender);
  }
  // A read receipt or a bounce has the null sender.
  const bool checked = !client.login.empty() && !answer.path.is_null();
  if (checked && (!site.directory || !site.directory->may_send_as(client.login, answer.path))) {
    answer.refusal =
        refusal(550, "5.7.1",
                about(answer.path, "Sender address rejected: not owned by user " + client.login),
                "users.senders may let this login use it");
  }
  return answer;
}

RecipientAnswer at_rcpt(const Site& site, const Client& client, Standing standing,
                        const mail::Path& recipient) {
  RecipientAnswer answer;
  answer.path = recipient;
  if (is_bare(recipient) && !is_postmaster(recipient)) {
    if (!is_at_home(standing)) {
      return refused(answer, refusal(504, "5.5.2",
                                     about(recipient,
                                           "Recipient address rejected: need "
                                           "fully-qualified address")));
    }
    answer.path = at_origin(site, recipient);
  }
  bool bounce = false;
  if (site.directory) {
    const auto reversed = site.directory->reversed(answer.path);
    if (!reversed) {
      return refused(answer, refusal(550, "5.7.1", about(recipient, "Forged or expired address")));
    }
    // Our own secret is the proof that we once forwarded for this sender: the address is theirs.
    bounce = reversed->raw() != answer.path.raw();
    answer.path = *reversed;
  }
  const auto reach = site.routes->reach(client.sender(), answer.path);
  answer.path = reach.path;
  if (!reach.allowed && !bounce) {
    return refused(answer,
                   refusal(554, "5.7.1", about(recipient, "Relay access denied"), reach.why_not));
  }
  answer.route = reach.route;
  return site.directory ? who_exists(site, standing, std::move(answer), recipient) : answer;
}

std::optional<Refusal> after_asking(const Asked& asked, const mail::Path& recipient) {
  switch (asked.code) {
    case Asked::Code::exists:
      return std::nullopt;
    case Asked::Code::missing:
      return refusal(550, "5.1.1", about(recipient, "Recipient address rejected: User unknown"),
                     asked.reply);
    case Asked::Code::later:
      return refusal(450, "4.1.1",
                     about(recipient, "Recipient address rejected: unverified address"),
                     asked.reply);
  }
  return std::nullopt;
}

}  // namespace sekisho::smtp
