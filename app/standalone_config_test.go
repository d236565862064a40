package app

import (
	"os"
	"strings"
	"testing"
)

// What is wrong with the settings is said together with what to write instead.
func TestGatewayConfig_Refused(t *testing.T) {
	for _, tt := range []struct{ setting, value, says string }{
		{"GATEWAY_UPSTREAMS", "", "GATEWAY_UPSTREAMS is empty: write DOMAIN=xmpp://HOST:5222"},
		{"GATEWAY_UPSTREAMS", "xmpp://10.0.0.5", "names no domain"},
		{"GATEWAY_UPSTREAMS", "a.example=10.0.0.5", "xmpp://HOST:5222"},
		{"GATEWAY_UPSTREAMS", "a b=xmpp://h", "is no domain"},
		{"GATEWAY_UPSTREAMS", "a.example=xmpp://h,A.example=xmpp://i", "stands there twice"},
		{"GATEWAY_PRIVATE_UPSTREAMS", "b.example", "GATEWAY_UPSTREAMS does not have"},
		{"GATEWAY_GONE_DOMAINS", "A.example", "GATEWAY_UPSTREAMS serves: take it out of one of them"},
		{"GATEWAY_GONE_DOMAINS", "a@b", "is no domain; write domains"},
		{"XMPP_SEE_OTHER", "http://new.example.org", "must begin with https"},
		{"XMPP_SEE_OTHER", "HTTPS://Xmpp.Example.org:443/", "is this site"},
		{"XMPP_SEE_OTHER", "wss://new.example.org", "must be the URL of a site"},
		{"BOSH_COMPRESSION", "perhaps", "BOSH_COMPRESSION"},
		{"GATEWAY_ORIGINS", "*", "everybody's pages"},
		{"GATEWAY_STREAMS_PER_DOMAIN", "0", "at least 1"},
		{"GATEWAY_STREAMS_PER_DOMAIN", "many", `GATEWAY_STREAMS_PER_DOMAIN="many" must be a whole number`},
		{"GATEWAY_STREAMS_PER_DOMAIN", "3000000000", "at most 2147483647"},
		{"GATEWAY_UPSTREAMS", strings.Repeat("a", 64) + ".example=xmpp://h", "too long"},
		{"GATEWAY_UPSTREAMS", "a.example=xmpp://h==", "no host"},
		{"METRICS_TOKEN", " word", "METRICS_TOKEN"},
		{"METRICS_TOKEN", "two\nlines", "METRICS_TOKEN"},
		{"BASE_URL", "http://xmpp.example.org", "https"},
		{"BASE_URL", "", "BASE_URL=\"\" must begin with https://"},
		{"TRUSTED_PROXIES", "", "TRUSTED_PROXIES is empty"},
		{"TRUSTED_PROXIES", "nginx", "neither an address"},
		{"LOG_LEVEL", "loud", "LOG_LEVEL"},
		{"XMPP_UPSTREAM_CA", "/nowhere", "XMPP_UPSTREAM_CA"},
		{"METRICS_TOKEN_FILE", "/nowhere", "METRICS_TOKEN_FILE"},
	} {
		environ := map[string]string{"GATEWAY_UPSTREAMS": "a.example=xmpp://h", "BASE_URL": "https://xmpp.example.org", "TRUSTED_PROXIES": "127.0.0.1"}
		if _, err := LoadGatewayConfig(environ); err != nil {
			t.Fatal(err)
		}
		environ[tt.setting] = tt.value
		if _, err := LoadGatewayConfig(environ); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s=%q: %v; want %q", tt.setting, tt.value, err, tt.says)
		}
	}
}

// A cluster's nodes follow each other, and a domain is brought into its one form.
func TestUpstreams(t *testing.T) {
	var u Upstreams
	if err := u.UnmarshalText([]byte("Bücher.example=xmpp://a:5222, xmpps://b:5223, two.example=xmpp+srv://two.example,")); err != nil {
		t.Fatal(err)
	}
	if len(u) != 2 || u["bücher.example"].String() != "xmpp://a:5222,xmpps://b:5223" || u["two.example"].String() != "xmpp+srv://two.example" {
		t.Errorf("read as %v", u)
	}
}

// docs/GATEWAY.md has the table that the program prints.
func TestGatewaySettingsTable(t *testing.T) {
	page, err := os.ReadFile("../docs/GATEWAY.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), GatewaySettingsTable()) {
		t.Error("docs/GATEWAY.md has other settings than the program; run scripts/settings.sh")
	}
}
