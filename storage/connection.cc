#include "storage/connection.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace letterbox::storage {

namespace {

// libpqxx's way to let a program make the connection itself, and so to know it. It also keeps
// libpqxx from quietly putting a fresh session, without our settings, in the place of a lost one:
// what to do then is for the pool to say.
class Policy : public pqxx::connectionpolicy {
 public:
  explicit Policy(const std::string& conninfo) : pqxx::connectionpolicy(conninfo) {}

  handle do_startconnect(handle existing) override {
    if (existing != nullptr) return existing;
    if (std::exchange(started_, true)) throw pqxx::broken_connection("the connection was lost");
    // Ours first: what the operator's string says about the same settings comes later and wins.
    static constexpr const char* kKeywords[] = {"connect_timeout", "tcp_user_timeout",
                                                "fallback_application_name", "dbname", nullptr};
    const char* const values[] = {"10", "30000", "letterboxd", options().c_str(), nullptr};
    wire_ = PQconnectdbParams(kKeywords, values, /*expand_dbname=*/1);
    if (PQstatus(wire_) != CONNECTION_OK) {
      const std::string message = wire_ == nullptr ? "out of memory" : PQerrorMessage(wire_);
      PQfinish(wire_);
      wire_ = nullptr;
      throw pqxx::broken_connection(message);
    }
    return wire_;
  }
  handle do_completeconnect(handle existing) override { return existing; }
  handle do_disconnect(handle existing) noexcept override {
    wire_ = nullptr;
    return connectionpolicy::do_disconnect(existing);
  }

  /// Null once disconnected, which libpq's functions take for a broken connection.
  PGconn* wire() const noexcept { return wire_; }

 private:
  PGconn* wire_ = nullptr;
  bool started_ = false;
};

}  // namespace

// The policy is a base, so that it is there before libpqxx's half uses it and after.
class Connection::Wire : public Policy, public pqxx::connection_base {
 public:
  explicit Wire(const std::string& conninfo)
      : Policy(conninfo), connection_base(static_cast<Policy&>(*this)) {
    init();
  }
  ~Wire() noexcept override { close(); }
};

// Notices go nowhere: libpqxx would print them on standard error.
class Connection::Silence : public pqxx::errorhandler {
 public:
  explicit Silence(pqxx::connection_base& connection) : pqxx::errorhandler(connection) {}
  bool operator()(const char* /*message*/) noexcept override { return false; }
};

Parameter::Parameter(std::int32_t number) noexcept : size_(sizeof number) {
  const auto bits = static_cast<std::uint32_t>(number);
  for (std::size_t i = 0; i < number_.size(); ++i) {
    number_[i] = static_cast<Byte>((bits >> (24 - 8 * i)) & 0xff);
  }
}

const char* Parameter::data() const noexcept {
  return reinterpret_cast<const char*>(data_ != nullptr ? data_ : number_.data());
}

ByteView BinaryResult::bytes(int row, int column) const noexcept {
  return {reinterpret_cast<const Byte*>(PQgetvalue(result_.get(), row, column)),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::uint64_t BinaryResult::number(int row, int column) const {
  std::uint64_t number = 0;
  for (const Byte byte : bytes(row, column)) number = (number << 8) | byte;
  return number;
}

Connection::Connection(const std::string& conninfo, std::chrono::seconds patience)
    : wire_(std::make_unique<Wire>(conninfo)), silence_(std::make_unique<Silence>(*wire_)) {
  // Terse: the detail of an error may quote a row, and rows are nobody's to read in a log.
  PQsetErrorVerbosity(wire_->wire(), PQERRORS_TERSE);

  pqxx::nontransaction session(*wire_);
  // A COMMIT that returned is durable, whatever the server's default; what is stronger than "on"
  // (remote_apply) stays.
  session.exec(
      "SELECT set_config('synchronous_commit', 'on', false)"
      " WHERE current_setting('synchronous_commit') IN ('off', 'local')");
  session.exec_params(
      "SELECT set_config('lock_timeout', $1, false),"
      "       set_config('statement_timeout', '60s', false),"
      "       set_config('idle_in_transaction_session_timeout', '60s', false)",
      // To PostgreSQL, 0 means to wait for ever.
      std::to_string(std::max<std::int64_t>(patience.count(), 1)) + "s");
}

Connection::~Connection() = default;

pqxx::connection_base& Connection::records() noexcept {
  return *wire_;
}

const std::string& Connection::prepared(const std::string& sql) {
  const auto known = names_.find(sql);
  if (known != names_.end()) return known->second;
  std::string name = "records" + std::to_string(names_.size());
  wire_->prepare(name, sql);
  return names_.emplace(sql, std::move(name)).first->second;
}

BinaryResult Connection::execute(const char* sql, std::initializer_list<Parameter> parameters) {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter.data());
    lengths.push_back(parameter.size());
  }
  const std::vector<int> formats(values.size(), 1);

  PGresult* raw = PQexecParams(wire_->wire(), sql, static_cast<int>(values.size()), nullptr,
                               values.data(), lengths.data(), formats.data(), 1);
  BinaryResult result(raw);
  const ExecStatusType status = PQresultStatus(raw);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;

  if (lost()) throw pqxx::broken_connection(PQerrorMessage(wire_->wire()));
  throw pqxx::sql_error(PQresultErrorMessage(raw), sql, PQresultErrorField(raw, PG_DIAG_SQLSTATE));
}

bool Connection::fit_for_use() {
  return !lost() && PQtransactionStatus(wire_->wire()) == PQTRANS_IDLE;
}

bool Connection::lost() {
  PGconn* const wire = wire_->wire();
  // The status alone isn't enough: libpq may report that it couldn't send, and still call the
  // connection good until it has read its end. No answer is awaited now, so what can be read is a
  // notice or the server's farewell. Two rounds see both: the first reads a farewell, the second
  // the end behind it.
  for (int round = 0; round < 2 && PQstatus(wire) == CONNECTION_OK; ++round) {
    pollfd socket{PQsocket(wire), POLLIN, 0};
    if (poll(&socket, 1, 0) > 0 && PQconsumeInput(wire) == 0) return true;
  }
  return PQstatus(wire) != CONNECTION_OK;
}

}  // namespace letterbox::storage
