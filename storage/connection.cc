#include "storage/connection.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
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

Parameter::Parameter(const std::optional<std::string>& text) noexcept
    : Parameter(text ? as_bytes(*text) : ByteView()) {
  is_null_ = !text;
}

Parameter::Parameter(const std::optional<Uuid>& uuid) noexcept
    : Parameter(uuid ? ByteView(uuid->bytes()) : ByteView()) {
  is_null_ = !uuid;
}

const char* Parameter::data() const noexcept {
  if (is_null_) return nullptr;
  return reinterpret_cast<const char*>(data_ != nullptr ? data_ : number_.data());
}

namespace {

void put_number(Bytes& bytes, std::uint64_t number, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<Byte>((number >> shift) & 0xff));
  }
}

}  // namespace

// array_recv in PostgreSQL's arrayfuncs.c: dimensions, whether there are nulls, the type; then for
// each dimension its length and first index; then each element behind its length.
ArrayParameter::ArrayParameter(Element element, std::size_t elements) {
  for (const std::uint64_t number :
       {std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{static_cast<std::uint32_t>(element)},
        std::uint64_t{elements}, std::uint64_t{1}}) {
    put_number(bytes_, number, 4);
  }
}

void ArrayParameter::add(ByteView element) {
  put_number(bytes_, element.size(), 4);
  bytes_.insert(bytes_.end(), element.begin(), element.end());
}

void ArrayParameter::add(std::int32_t number) {
  put_number(bytes_, 4, 4);
  put_number(bytes_, static_cast<std::uint32_t>(number), 4);
}

void ArrayParameter::add(std::int64_t number) {
  put_number(bytes_, 8, 4);
  put_number(bytes_, static_cast<std::uint64_t>(number), 8);
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

bool BinaryResult::succeeded() const noexcept {
  const ExecStatusType status = PQresultStatus(result_.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

std::size_t BinaryResult::affected() const {
  const std::string_view text = PQcmdTuples(result_.get());
  std::size_t rows = 0;
  std::from_chars(text.data(), text.data() + text.size(), rows);
  return rows;
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
      "       set_config('idle_in_transaction_session_timeout', '60s', false),"
      // Our statements find rows by their keys, and to plan one takes longer than to run it. A plan
      // that is kept must hold for a table that was empty when it was made.
      "       set_config('plan_cache_mode', 'force_generic_plan', false),"
      "       set_config('enable_seqscan', 'off', false),"
      "       set_config('jit', 'off', false)",
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

namespace {

// A statement's parameters as libpq takes them.
struct Values {
  template <typename Parameters>
  explicit Values(const Parameters& parameters) {
    for (const Parameter& parameter : parameters) {
      data.push_back(parameter.data());
      lengths.push_back(parameter.size());
    }
    formats.assign(data.size(), 1);
  }
  int count() const noexcept { return static_cast<int>(data.size()); }

  std::vector<const char*> data;
  std::vector<int> lengths;
  std::vector<int> formats;
};

}  // namespace

void Connection::fail(const BinaryResult& failed, const char* sql) {
  if (lost()) throw pqxx::broken_connection(PQerrorMessage(wire_->wire()));
  const PGresult* const result = failed.raw();
  throw pqxx::sql_error(PQresultErrorMessage(result), sql,
                        PQresultErrorField(result, PG_DIAG_SQLSTATE));
}

const char* Connection::prepare(const char* sql) {
  const auto known = prepared_.find(sql);
  if (known != prepared_.end()) return known->second.c_str();
  std::string name = "s" + std::to_string(prepared_.size());
  const BinaryResult result(PQprepare(wire_->wire(), name.c_str(), sql, 0, nullptr));
  if (!result.succeeded()) fail(result, sql);
  return prepared_.emplace(sql, std::move(name)).first->second.c_str();
}

BinaryResult Connection::execute(const char* sql, std::initializer_list<Parameter> parameters) {
  const char* const name = prepare(sql);
  const Values values(parameters);
  BinaryResult result(PQexecPrepared(wire_->wire(), name, values.count(), values.data.data(),
                                     values.lengths.data(), values.formats.data(), 1));
  if (!result.succeeded()) fail(result, sql);
  return result;
}

std::vector<BinaryResult> Connection::execute_all(const std::vector<Statement>& statements) {
  std::vector<const char*> names;
  for (const Statement& statement : statements) names.push_back(prepare(statement.sql));

  PGconn* const wire = wire_->wire();
  const auto require = [&](int done) {
    if (done != 1) throw pqxx::broken_connection(PQerrorMessage(wire));
  };
  // In pipeline mode nothing is awaited before the end, and after a failure the server skips the
  // rest. Results are small, so that it never waits for us to read them while we write.
  require(PQenterPipelineMode(wire));
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Values values(statements[i].parameters);
    require(PQsendQueryPrepared(wire, names[i], values.count(), values.data.data(),
                                values.lengths.data(), values.formats.data(), 1));
  }
  require(PQpipelineSync(wire));

  // A null pointer ends the results of each statement; the Sync has one without.
  std::vector<BinaryResult> results;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    results.emplace_back(PQgetResult(wire));
    while (PGresult* more = PQgetResult(wire)) PQclear(more);
  }
  PQclear(PQgetResult(wire));
  require(PQexitPipelineMode(wire));
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (!results[i].succeeded()) fail(results[i], statements[i].sql);
  }
  return results;
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
