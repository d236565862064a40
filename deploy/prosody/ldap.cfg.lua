-- Prosody that asks the directory itself, and knows nothing of the site: in place of the block "Who
-- somebody is" in prosody.cfg.lua, with XMPP_LOGIN=typed at the site (docs/DELEGATED.md has the price of that).
-- The directory is the one that the site asks (LDAP_URL, docs/IDENTITY.md), with the same people.
-- It needs lua-ldap, and prosody-modules of the same release.
authentication = "ldap"
ldap_server = "ldap.example.org" -- by port 389; another one as ldap.example.org:1389
ldap_tls = true -- STARTTLS; who may sign the certificate stands in /etc/ldap/ldap.conf (TLS_CACERT)
ldap_rootdn = "cn=foyer,ou=services,dc=example,dc=org"
ldap_password = "change me"
ldap_base = "ou=people,dc=example,dc=org"
-- Who may: here all people of the directory whose account is not locked.
ldap_filter = "(&(uid=$user)(objectClass=inetOrgPerson)(!(pwdAccountLockedTime=*)))"
