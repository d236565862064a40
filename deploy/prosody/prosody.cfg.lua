-- Prosody 0.12 or 13 (Debian 12 or its backports: prosody prosody-modules lua-dbi-postgresql) behind the site.
-- Change the lines with example.org and the password of the database; the README beside
-- this file says the rest.

pidfile = "/run/prosody/prosody.pid"
data_path = "/var/lib/prosody"
log = { info = "/var/log/prosody/prosody.log", error = "/var/log/prosody/prosody.err" }

-- The site signs people in over this port, on this machine, where nothing needs TLS.
interfaces = { "127.0.0.1" }
c2s_ports = { 5222 }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true

-- Native clients, if you want them: a certificate for example.org, and
--   interfaces = { "*", "::" }
--   certificates = "/etc/prosody/certs"
--   c2s_require_encryption = true     -- with XMPP_UPSTREAM=xmpp://chat.example.org:5222
--   allow_unencrypted_plain_auth = false

modules_disabled = { "s2s" } -- the site's people talk with each other

modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls"; "posix"; "admin_shell";
	"blocklist"; "bookmarks"; "carbons"; "cloud_notify"; "csi_simple"; "mam"; "offline"; "pep"; "ping"; "private";
	"smacks"; "time"; "vcard4"; "vcard_legacy"; "version";
}

-- Who somebody is, the site says: it listens there with XMPP_AUTH_DOVECOT, and must run
-- before Prosody starts.
authentication = "dovecot"
dovecot_auth_socket = "/run/foyer/dovecot"

-- Everything that is kept, in Postgres: a database of its own beside the site's.
storage = "sql"
sql = { driver = "PostgreSQL", host = "127.0.0.1", port = 5432, database = "prosody", username = "prosody", password = "change me" }

default_archive_policy = true
archive_expires_after = "never"
dont_archive_namespaces = {}
max_archive_query_results = 100 -- as many as pages look through for what is unread

-- Bookmarks are items of one node: as many as the embedded server keeps.
pep_max_items = 1000

-- How long a browser that went away may take to come back to the same session.
smacks_hibernation_time = 60

-- Files that people send (XEP-0363): who asks for them comes to https://upload.example.org, from where
-- the web server in front passes it on to this port (upload.conf beside the site's own in deploy/).
http_ports = { 5280 }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_cors_override = { file_share = { enabled = true, credentials = false, headers = { Authorization = true }, origins = { "https://chat.example.org" } } }

-- The site looks after rooms under this address, which nobody can have.
admins = { "_foyer@example.org" }

VirtualHost "example.org"

Component "conference.example.org" "muc"
	name = "Rooms"
	modules_enabled = { "muc_mam"; "vcard_muc" }
	muc_log_by_default = true
	muc_log_expires_after = "never"
	muc_room_default_public = false -- rooms that people make in their apps are not listed
	component_admins_as_room_owners = true -- the site sees who belongs to a room; 13 wants it said

Component "upload.example.org" "http_file_share"
	name = "Files"
	http_external_url = "https://upload.example.org/"
	http_paths = { file_share = "/" }
	http_file_share_size_limit = 25 * 1024 * 1024 -- a file; the web server in front allows as much
	http_file_share_daily_quota = 250 * 1024 * 1024 -- a person's files of a day
	http_file_share_global_quota = 20 * 1024 * 1024 * 1024 -- everybody's together
	http_file_share_expires_after = -1 -- how many seconds a file is kept; -1: for ever, as what is said
