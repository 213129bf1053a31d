// What the counters of the SMTP core become: each word of a state, and each route, is a series.
#include "metrics/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sekisho::metrics {

namespace {

using testing::HasSubstr;
using testing::Not;

queue::Counts some_counts() {
  queue::Counts counts;
  counts.messages = 4;
  counts.by_state[queue::State::waiting] = 3;
  counts.by_state[queue::State::sending] = 2;
  counts.by_state[queue::State::held] = 1;
  counts.waiting_for[queue::Reason::deferred] = 3;
  counts.held_for[queue::Reason::fault] = 1;
  counts.oldest = std::chrono::hours(5);
  counts.older = {4, 3, 2, 1, 0, 0};
  counts.attempts_under_way = 1;
  counts.sent = 7;
  counts.deferred = 5;
  counts.by_route["*"] = {.sent = 6, .bounced = 0, .deferred = 5};
  counts.by_route[queue::by_mx] = {.sent = 1, .bounced = 0, .deferred = 0};
  return counts;
}

}  // namespace

TEST(MetricsOfTheQueue, EachReasonAndEachRoute) {
  Families families;
  append_queue(families, some_counts());
  const std::string text = render(families);
  for (const char* line : {
           "sekisho_queue_messages 4\n",
           "sekisho_queue_recipients{state=\"sending\",reason=\"none\"} 2\n",
           "sekisho_queue_recipients{state=\"waiting\",reason=\"deferred\"} 3\n",
           "sekisho_queue_recipients{state=\"held\",reason=\"fault\"} 1\n",
           "sekisho_queue_recipients{state=\"held\",reason=\"loop\"} 0\n",
           "sekisho_queue_oldest_seconds 18000\n",
           "sekisho_queue_older_messages{seconds=\"60\"} 4\n",
           "sekisho_queue_older_messages{seconds=\"14400\"} 1\n",
           "sekisho_queue_older_messages{seconds=\"259200\"} 0\n",
           "sekisho_queue_attempts_under_way 1\n",
           "sekisho_deliveries_total{route=\"*\",result=\"sent\"} 6\n",
           "sekisho_deliveries_total{route=\"*\",result=\"deferred\"} 5\n",
           "sekisho_deliveries_total{route=\"*\",result=\"bounced\"} 0\n",
           "sekisho_deliveries_total{route=\"by MX\",result=\"sent\"} 1\n",
       })
    EXPECT_THAT(text, HasSubstr(line));
  // The ends are counted where they happen, and are no state of the queue.
  EXPECT_THAT(text, Not(HasSubstr("state=\"sent\"")));
}

TEST(MetricsOfTheQueue, InStatus) {
  const auto shown = queue_json(some_counts());
  EXPECT_EQ(shown["messages"], 4);
  EXPECT_EQ(shown["waiting for"], (nlohmann::json{{"deferred", 3}}));
  EXPECT_EQ(shown["held for"], (nlohmann::json{{"fault", 1}}));
  EXPECT_EQ(shown["oldest_s"], 18000);
  EXPECT_EQ(shown["since start"]["sent"], 7);
}

TEST(MetricsOfTheListeners, EachAnswer) {
  smtp::Counters counters;
  counters.open_connections = 2;
  counters.connections = 9;
  counters.connections_refused = 1;
  counters.messages = 5;
  counters.messages_refused = 3;
  counters.recipients_refused = 4;
  counters.tls_1_3 = 6;
  counters.tls_failures = 8;
  counters.login_failures = 10;
  counters.login_unavailable = 11;
  Families families;
  append_listeners(families, counters);
  const std::string text = render(families);
  for (const char* line : {
           "sekisho_smtp_open_connections 2\n",
           "sekisho_smtp_connections_total{result=\"taken\"} 9\n",
           "sekisho_smtp_connections_total{result=\"refused\"} 1\n",
           "sekisho_smtp_messages_total{result=\"taken\"} 5\n",
           "sekisho_smtp_messages_total{result=\"refused\"} 3\n",
           "sekisho_smtp_recipients_refused_total 4\n",
           "sekisho_smtp_tls_handshakes_total{version=\"TLSv1.2\"} 0\n",
           "sekisho_smtp_tls_handshakes_total{version=\"TLSv1.3\"} 6\n",
           "sekisho_smtp_tls_handshakes_total{version=\"failed\"} 8\n",
           "sekisho_smtp_logins_total{result=\"wrong\"} 10\n",
           "sekisho_smtp_logins_total{result=\"unavailable\"} 11\n",
       })
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_EQ(listeners_json(counters)["connections"]["open"], 2);
}

}  // namespace sekisho::metrics
