#include "base/error.h"
#include "gateway/admin/commands.h"
#include "gateway/admin/host.h"
#include "gateway/directory/names.h"
#include "storage/study_store.h"

namespace letterbox::gateway::admin {

namespace {

records::Handle parse_handle_of(const std::string& tenant, const std::string& text) {
  records::Handle handle = parse_handle(text);
  if (handle.tenant() != tenant) {
    throw Error(ErrorCode::kUsage, text + ": isn't of the tenant " + tenant + "; see --tenant");
  }
  return handle;
}

}  // namespace

void put_mailbox(storage::Store& store, const MailboxOptions& options, std::ostream& out) {
  if (!is_mailbox_name(options.name)) {
    throw Error(ErrorCode::kUsage,
                "a mailbox is named by 1 to 64 of a-z, 0-9, '.', '_' and '-', a letter or digit "
                "first");
  }
  const std::chrono::seconds closes_after(options.closes_after);
  if (closes_after > storage::kLongestOpen) {
    throw Error(ErrorCode::kUsage, "--closes-after is at most half an hour, 1800");
  }
  storage::Mailbox mailbox{
      .name = options.name, .recipients = {}, .depositors = {}, .closes_after = closes_after};
  for (const std::string& text : options.recipients) {
    mailbox.recipients.insert(parse_handle_of(options.tenant, text).text());
  }
  for (const std::string& text : options.depositors) {
    mailbox.depositors.insert(find_principal(store, parse_handle_of(options.tenant, text)).id);
  }
  store.mailboxes().put(find_tenant(store, options.tenant), mailbox, kOnTheHost);
  out << "mailbox " << mailbox.name << "  to " << mailbox.recipients.size() << ", from "
      << mailbox.depositors.size() << "\n";
}

void list_mailboxes(storage::Store& store, const std::string& tenant, std::ostream& out) {
  const storage::TenantId id = find_tenant(store, tenant);
  for (const storage::Mailbox& mailbox : store.mailboxes().list(id)) {
    out << mailbox.name << "  closes after " << mailbox.closes_after.count() << " s\n";
    for (const std::string& recipient : mailbox.recipients) out << "  to " << recipient << "\n";
    for (const Uuid& depositor : mailbox.depositors) {
      const auto principal = store.principals().find(id, depositor);
      out << "  from " << (principal ? principal->handle : depositor.text()) << "\n";
    }
  }
}

void remove_mailbox(storage::Store& store, const std::string& tenant, const std::string& name,
                    std::ostream& out) {
  if (!store.mailboxes().remove(find_tenant(store, tenant), name, kOnTheHost)) {
    throw Error(ErrorCode::kNotFound, "the tenant " + tenant + " has no such mailbox");
  }
  out << "mailbox " << name << " removed, and the tokens for it\n";
}

}  // namespace letterbox::gateway::admin
