// What the routes do, a function each. docs/api/README.md says it from outside.
#pragma once

#include "gateway/routes/call.h"

namespace letterbox::gateway {

// health_routes.cc
void get_healthz(Call& call);
void get_readyz(Call& call);

// description_routes.cc
void get_openapi(Call& call);

// delivery_routes.cc
void post_file(Call& call);
void post_delivery(Call& call);
void put_cover(Call& call);
void post_delivery_file(Call& call);
void post_close(Call& call);
void post_index(Call& call);
void get_delivery(Call& call);
void get_indexes(Call& call);
void get_inbox(Call& call);

// file_routes.cc
void get_file(Call& call);
void get_files(Call& call);
void get_header(Call& call);
void get_payload(Call& call);
void delete_file(Call& call);

// sharing_routes.cc
void get_headers(Call& call);
void put_recipients(Call& call);
void post_confirmation(Call& call);

// sent_routes.cc
void get_sent(Call& call);
void get_receipts(Call& call);
void put_receipt(Call& call);
void delete_delivery(Call& call);

// event_routes.cc
void get_events(Call& call);

// upload_routes.cc
void options_uploads(Call& call);
void post_upload(Call& call);
void head_upload(Call& call);
void patch_upload(Call& call);
void delete_upload(Call& call);

// stow_routes.cc
void post_studies(Call& call);
void post_study(Call& call);
void get_studies(Call& call);
void refuse_retrieve(Call& call);
void refuse_commitment(Call& call);

// device_routes.cc
void post_device(Call& call);
void get_self(Call& call);
void get_devices(Call& call);
void post_device_record(Call& call);
void delete_device(Call& call);

// administration_routes.cc
void post_invitation(Call& call);
void get_invitations(Call& call);
void delete_invitation(Call& call);
void get_principals(Call& call);
void post_principal(Call& call);
void delete_principal(Call& call);
void get_mailboxes(Call& call);
void get_mailbox(Call& call);
void put_mailbox(Call& call);
void delete_mailbox(Call& call);

}  // namespace letterbox::gateway
