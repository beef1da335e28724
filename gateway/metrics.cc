#include "gateway/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <utility>
#include <vector>

#include "base/error.h"

namespace letterbox::gateway {

namespace {

using prometheus::MetricType;

// From a health check to hours of a slow upload.
const prometheus::Histogram::BucketBoundaries& buckets() {
  static const prometheus::Histogram::BucketBoundaries seconds = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800};
  return seconds;
}

double seconds(Metrics::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string class_of(int status) {
  return status == 0 ? "none" : std::to_string(status / 100) + "xx";
}

// Metrics that are read off instead of counted along.
class LevelsCollectable final : public prometheus::Collectable {
 public:
  LevelsCollectable(const transport::Limits& limits, std::function<Levels()> levels)
      : limits_(limits), levels_(std::move(levels)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    const Levels now = levels_();
    const transport::Statistics& transport = now.transport;
    const storage::ConnectionUse& database = now.database;
    const auto gauge = MetricType::Gauge;
    const auto counter = MetricType::Counter;
    return {
        family(gauge, "letterbox_connections", "Connections open.", transport.connections),
        family(gauge, "letterbox_connections_limit", "limits.connections.", limits_.connections),
        family(counter, "letterbox_connections_accepted_total", "Connections accepted.",
               transport.connections_accepted),
        family(counter, "letterbox_connections_shed_total",
               "Connections closed to make room, or for want of a descriptor.",
               transport.connections_shed),
        family(counter, "letterbox_tls_handshakes_failed_total",
               "TLS handshakes refused, broken off or too slow.", transport.handshakes_failed),
        family(gauge, "letterbox_http_requests_in_flight", "Requests at hand.", transport.requests),
        family(gauge, "letterbox_http_requests_in_flight_limit", "limits.requests.",
               limits_.requests),
        family(counter, "letterbox_http_requests_refused_total",
               "Requests that the transport answered itself: malformed, too large, too slow, too "
               "many.",
               transport.requests_refused),
        family(counter, "letterbox_http_received_bytes_total",
               "Bytes received inside TLS, framing included.", transport.bytes_received),
        family(counter, "letterbox_http_sent_bytes_total",
               "Bytes sent inside TLS, framing included.", transport.bytes_sent),
        family(gauge, "letterbox_body_memory_bytes", "Memory set aside for requests' bodies.",
               transport.body_memory),
        family(gauge, "letterbox_body_memory_limit_bytes", "limits.body_memory.",
               limits_.body_memory),
        family(gauge, "letterbox_database_connections", "Connections to the database, open.",
               database.open),
        family(gauge, "letterbox_database_connections_busy", "Of these, in use.", database.busy),
        family(gauge, "letterbox_database_connections_limit", "database_connections.",
               database.most),
        family(gauge, "letterbox_disk_free_bytes", "Free below the data directory.", now.disk_free),
        family(gauge, "letterbox_disk_reserve_bytes", "disk.reserve.", now.disk_reserve),
    };
  }

 private:
  static prometheus::MetricFamily family(MetricType type, const char* name, const char* help,
                                         std::uint64_t value) {
    prometheus::ClientMetric metric;
    (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) =
        static_cast<double>(value);
    return {name, help, type, {metric}};
  }

  const transport::Limits limits_;
  const std::function<Levels()> levels_;
};

}  // namespace

struct Metrics::State {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("letterbox_http_requests_total")
          .Help("Requests by method, route template and class of status.")
          .Register(*registry);
  prometheus::Family<prometheus::Histogram>& request_seconds =
      prometheus::BuildHistogram()
          .Name("letterbox_http_request_duration_seconds")
          .Help("From a request's head being there to its answer being sent.")
          .Register(*registry);
  prometheus::Histogram& seal_seconds =
      prometheus::BuildHistogram()
          .Name("letterbox_seal_seconds")
          .Help("Judging and sealing a file that arrived plain, without waiting for its sender.")
          .Register(*registry)
          .Add({}, buckets());
  prometheus::Histogram& store_seconds = prometheus::BuildHistogram()
                                             .Name("letterbox_store_seconds")
                                             .Help("Storing a file, the last commit included.")
                                             .Register(*registry)
                                             .Add({}, buckets());
  prometheus::Family<prometheus::Counter>& swept =
      prometheus::BuildCounter()
          .Name("letterbox_swept_total")
          .Help("What was over and was taken away, by kind.")
          .Register(*registry);
  prometheus::Family<prometheus::Counter>& told =
      prometheus::BuildCounter()
          .Name("letterbox_notices_told_total")
          .Help("Notices sent to webhooks, and mails, by outcome.")
          .Register(*registry);
  prometheus::Family<prometheus::Gauge>& waiting =
      prometheus::BuildGauge()
          .Name("letterbox_notices_waiting")
          .Help("Notices that somebody is still to be told of.")
          .Register(*registry);
  prometheus::Family<prometheus::Gauge>& oldest = prometheus::BuildGauge()
                                                      .Name("letterbox_notices_oldest_seconds")
                                                      .Help("Age of the oldest of these.")
                                                      .Register(*registry);
  prometheus::Gauge& event_streams = prometheus::BuildGauge()
                                         .Name("letterbox_event_streams")
                                         .Help("Event streams that are open.")
                                         .Register(*registry)
                                         .Add({});
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::request(const std::string& method, const std::string& route, int status,
                      Duration took) {
  state_->requests.Add({{"method", method}, {"route", route}, {"status", class_of(status)}})
      .Increment();
  state_->request_seconds.Add({{"route", route}}, buckets()).Observe(seconds(took));
}

void Metrics::sealed(Duration took) {
  state_->seal_seconds.Observe(seconds(took));
}

void Metrics::stored(Duration took) {
  state_->store_seconds.Observe(seconds(took));
}

void Metrics::swept(const storage::Lapsed& lapsed) {
  const auto count = [&](const char* what, std::uint64_t number) {
    state_->swept.Add({{"what", what}}).Increment(static_cast<double>(number));
  };
  count("deliveries", lapsed.deliveries);
  count("uploads", lapsed.uploads);
  count("former_versions", lapsed.former_versions);
  count("payloads", lapsed.payloads);
  count("rows", lapsed.rows);
  count("notices", lapsed.notices);
  count("forgotten", lapsed.forgotten);
}

void Metrics::told(const char* by, bool successfully) {
  state_->told.Add({{"by", by}, {"outcome", successfully ? "success" : "failure"}}).Increment();
}

void Metrics::waiting(const char* by, const storage::Backlog& backlog, records::Time now) {
  const auto age = backlog.oldest ? now - *backlog.oldest : std::chrono::seconds::zero();
  state_->waiting.Add({{"by", by}}).Set(static_cast<double>(backlog.notices));
  state_->oldest.Add({{"by", by}}).Set(static_cast<double>(age.count()));
}

void Metrics::event_streams(std::size_t open) {
  state_->event_streams.Set(static_cast<double>(open));
}

struct MetricsListener::State {
  std::shared_ptr<LevelsCollectable> levels;
  prometheus::Exposer exposer;  // ends first, and with it whoever calls the rest
};

MetricsListener::MetricsListener(const ListenAddress& address, const Metrics& metrics,
                                 const transport::Limits& limits,
                                 std::function<Levels()> levels) try
    : state_(new State{std::make_shared<LevelsCollectable>(limits, std::move(levels)),
                       prometheus::Exposer(std::vector<std::string>{
                           "listening_ports", address.text(), "num_threads", "2",
                           "request_timeout_ms", "5000"})}),
      port_(static_cast<std::uint16_t>(state_->exposer.GetListeningPorts().front())) {
  state_->exposer.RegisterCollectable(metrics.state_->registry);
  state_->exposer.RegisterCollectable(state_->levels);
} catch (const Error&) {
  throw;
} catch (const std::exception&) {
  throw Error(ErrorCode::kConfiguration,
              "can't serve metrics on " + address.text() + ": the port is taken, or not allowed");
}

MetricsListener::~MetricsListener() = default;

}  // namespace letterbox::gateway
