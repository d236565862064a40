package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Resolver looks up SRV records; net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

// errNoService: the domain says that it has no XMPP service (RFC 6120 §3.2.1, RFC
// 2782: the target is a dot).
var errNoService = errors.New("its SRV records say that there is no XMPP service: correct them, or write xmpp://HOST:5222 in XMPP_UPSTREAM")

// ranked is a target with its place among the SRV records.
type ranked struct {
	target
	priority, weight uint16
}

// targets returns the addresses to try, in order. Those that are as good as each
// other come in random order.
func (r *Relay) targets(ctx context.Context) ([]target, error) {
	u := r.cfg.Upstream
	if u.srv == "" {
		list := slices.Clone(u.targets)
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list, nil
	}
	starttls, tlsErr := r.lookup(ctx, "xmpp-client", u.srv, false)
	direct, directErr := r.lookup(ctx, "xmpps-client", u.srv, true)
	found := append(starttls, direct...) // XEP-0368 §2: one list, ordered together
	if len(found) > 0 {
		return order(found), nil
	}
	for _, err := range []error{tlsErr, directErr} {
		if err != nil {
			return nil, fmt.Errorf("SRV records of %s: %w", u.srv, err)
		}
	}
	// RFC 6120 §3.2.2: without records, the domain itself.
	return []target{{network: "tcp", host: u.srv, port: "5222"}}, nil
}

// lookup returns the records of one service; none, and no error, when there are none.
func (r *Relay) lookup(ctx context.Context, service, domain string, direct bool) ([]ranked, error) {
	_, records, err := r.cfg.Resolver.LookupSRV(ctx, service, "tcp", domain)
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		err = nil
	}
	if len(records) == 0 {
		return nil, err
	}
	var list []ranked
	for _, rec := range records {
		host := strings.TrimSuffix(rec.Target, ".")
		if host == "" || rec.Port == 0 {
			continue
		}
		list = append(list, ranked{target{network: "tcp", host: host, port: strconv.Itoa(int(rec.Port)), direct: direct}, rec.Priority, rec.Weight})
	}
	if len(list) == 0 {
		return nil, errNoService
	}
	return list, nil
}

// order sorts by priority, and draws by weight within each (RFC 2782).
func order(list []ranked) []target {
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(a.priority, b.priority) })
	var out []target
	for len(list) > 0 {
		same := 1
		for same < len(list) && list[same].priority == list[0].priority {
			same++
		}
		at := pickByWeight(list[:same])
		out = append(out, list[at].target)
		list = slices.Delete(list, at, at+1)
	}
	return out
}

// pickByWeight picks one by weight. A weight of 0 has a very small chance (RFC 2782).
func pickByWeight(list []ranked) int {
	const scale = 1 << 8
	sum := 0
	for _, r := range list {
		sum += max(int(r.weight)*scale, 1)
	}
	at := rand.IntN(sum)
	for i, r := range list {
		if at -= max(int(r.weight)*scale, 1); at < 0 {
			return i
		}
	}
	return len(list) - 1
}
