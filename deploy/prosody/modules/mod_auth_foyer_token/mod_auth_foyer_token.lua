-- mod_auth_foyer_token: the signed tokens of a Foyer site are the passwords of this host.
--
-- Prosody checks each token by itself (RFC 7519), without asking the site: the signature,
-- for whom it is (aud), whose it is (jid), and when it ends (exp). Each is good once.
-- Nothing else is a password here, and there is nothing that it falls back on.
--
--   authentication = "foyer_token"
--   foyer_token_keys = "/etc/prosody/foyer.jwk"    -- `foyer token key print`: a JWK or a set of them
--   foyer_token_audience = "xmpp:example.org"      -- as it is unless you say so, for this host
--   foyer_token_algorithms = { "EdDSA", "HS256" }  -- which of the two are allowed
--
-- EdDSA needs Prosody 13; 0.12 has no function that checks it, so there the site uses HS256
-- (`foyer token key prepare --alg HS256`), and the file is a secret. The keys are read again
-- on `prosodyctl reload`.

local json = require "util.json";
local hashes = require "util.hashes";
local base64 = require "util.encodings".base64;
local jid_split = require "util.jid".prepped_split;
local new_sasl = require "util.sasl".new;
local new_cache = require "util.cache".new;
local now = require "util.time".now;

local has_crypto, crypto = pcall(require, "util.crypto"); -- Prosody 13

local host = module.host;
local key_file = module:get_option_path("foyer_token_keys", nil, "config");
local audience = module:get_option_string("foyer_token_audience", "xmpp:" .. host);
local allowed = module:get_option_set("foyer_token_algorithms", { "EdDSA", "HS256" });

-- Foyer's tokens live for a minute; clocks may disagree by a little.
local max_lifetime = 120;
local leeway = 5;
local max_length = 1023;

-- What ids were used, until they would be of no use any more.
local used = new_cache(100000);

local function unbase64url(text)
	if #text % 4 == 1 or text:find("[^%w_-]") then return nil; end
	local standard = text:gsub("[-_]", { ["-"] = "+", ["_"] = "/" }) .. ("="):rep(-#text % 4);
	return base64.decode(standard);
end

local function object(text)
	local value = text and json.decode(text);
	return type(value) == "table" and value or nil;
end

-- A verifier belongs to one algorithm: which one it is, the key says, not the token
-- (RFC 8725 §3.1).

local function hs256(key)
	local secret = type(key.k) == "string" and unbase64url(key.k);
	if not secret or #secret < 32 then
		return nil, "a shared secret of fewer than 32 bytes";
	end
	return function(signed, signature)
		return hashes.equals(hashes.hmac_sha256(secret, signed), signature);
	end
end

-- RFC 8410 §4: an Ed25519 key is its 32 bytes behind a fixed header.
local ed25519_header = "\48\42\48\5\6\3\43\101\112\3\33\0";

local function eddsa(key)
	local public = type(key.x) == "string" and unbase64url(key.x);
	if not has_crypto then
		return nil, "an EdDSA key, which this Prosody cannot use; take Prosody 13, or HS256";
	elseif key.crv ~= "Ed25519" or not public or #public ~= 32 then
		return nil, "an EdDSA key that is not of Ed25519";
	end
	local pem = "-----BEGIN PUBLIC KEY-----\n" .. base64.encode(ed25519_header .. public) .. "\n-----END PUBLIC KEY-----\n";
	local imported = crypto.import_public_pem(pem);
	if not imported then
		return nil, "a key that cannot be read";
	end
	return function(signed, signature)
		return #signature == 64 and crypto.ed25519_verify(imported, signed, signature) == true;
	end
end

local kinds = {
	oct = { algorithm = "HS256", verifier = hs256 };
	OKP = { algorithm = "EdDSA", verifier = eddsa };
};

-- keys are those of the file: { id, algorithm, verify }.
local keys = {};

local function read_key(key)
	local kind = type(key) == "table" and kinds[key.kty];
	if not kind then
		return nil, "a key that is neither oct nor OKP";
	elseif not allowed:contains(kind.algorithm) then
		return nil, "a key of " .. kind.algorithm .. ", which foyer_token_algorithms does not allow";
	end
	local verify, err = kind.verifier(key);
	if not verify then return nil, err; end
	return { id = key.kid, algorithm = kind.algorithm, verify = verify };
end

local function read_keys()
	local file, err = io.open(key_file or "", "r");
	if not file then return nil, err; end
	local set = object(file:read("*a"));
	file:close();
	if not set then return nil, "it is no JSON"; end
	local list = {};
	for _, key in ipairs(set.keys or { set }) do
		local one, wrong = read_key(key);
		if not one then return nil, "it has " .. wrong; end
		table.insert(list, one);
	end
	if #list == 0 then return nil, "it has no key"; end
	return list;
end

local function load_keys()
	local list, err = read_keys();
	if list then
		keys = list;
		module:log("info", "%d token keys were read", #keys);
	else
		module:log("error", "foyer_token_keys (%s) cannot be used: %s; nobody new can sign in until it is mended (`foyer token key print`)", key_file or "not set", err);
		keys = {};
	end
end

load_keys();
module:hook_global("config-reloaded", load_keys);

-- The part of a token between the dots is what is signed; nothing in it is believed
-- before that is checked.
local function signed_claims(token)
	if #token > max_length then return nil, "too long"; end
	local signed, head, body, tail = token:match("^(([%w_-]+)%.([%w_-]+))%.([%w_-]+)$");
	local header, signature = head and object(unbase64url(head)), tail and unbase64url(tail);
	if not header or not signature then return nil, "no token"; end
	if header.crit ~= nil then return nil, "of an unknown kind"; end -- RFC 7515 §4.1.11
	for _, key in ipairs(keys) do
		if key.algorithm == header.alg and (header.kid == nil or header.kid == key.id) and key.verify(signed, signature) then
			return object(unbase64url(body)), "no claims";
		end
	end
	return nil, "not signed with one of the keys";
end

-- aud is a name or a list of names (RFC 7519 §4.1.3).
local function is_for_us(aud)
	for _, name in ipairs(type(aud) == "table" and aud or { aud }) do
		if name == audience then return true; end
	end
	return false;
end

-- check returns nil and the reason where the claims prove nothing about a user of this
-- host.
local function check(claims, username)
	local time = now();
	if type(claims.exp) ~= "number" or claims.exp + leeway < time then return nil, "expired"; end
	if claims.exp - time > max_lifetime then return nil, "good for too long"; end
	if claims.nbf ~= nil and (type(claims.nbf) ~= "number" or claims.nbf - leeway > time) then return nil, "not good yet"; end
	if not is_for_us(claims.aud) then return nil, "for another server"; end
	local node, domain, resource = jid_split(type(claims.jid) == "string" and claims.jid or "");
	if not node or node ~= username or domain ~= host or resource then return nil, "somebody else's"; end
	if type(claims.jti) ~= "string" or claims.jti == "" then return nil, "without an id"; end
	return true;
end

local function use_once(claims)
	local until_then = used:get(claims.jti);
	if until_then and until_then > now() then return nil, "used before"; end
	used:set(claims.jti, claims.exp + leeway);
	return true;
end

local function verify(username, token)
	local claims, err = signed_claims(token);
	if not claims then return nil, err; end
	local ok;
	ok, err = check(claims, username);
	if not ok then return nil, err; end
	return use_once(claims);
end

local provider = {};

function provider.test_password(username, token)
	local ok, err = verify(username, token);
	if not ok then
		module:log("debug", "a token for %s is refused: %s", username, err); -- never the token
		return nil, "Invalid token.";
	end
	return true;
end

function provider.get_sasl_handler()
	return new_sasl(host, {
		plain_test = function(_, username, token)
			return provider.test_password(username, token), true;
		end;
	});
end

-- The site knows who there is, and this module asks it nothing.
function provider.user_exists()
	return true;
end

function provider.get_password()
	return nil, "There are no passwords here.";
end

local function refuse()
	return nil, "Accounts are changed on the site.";
end

provider.set_password, provider.create_user, provider.delete_user = refuse, refuse, refuse;

module:provides("auth", provider);
