package peers

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// portOf names the port at which this program listens as a server.
const portOf = "PEERS_TEST_PORT"

func TestMain(m *testing.M) {
	if port := os.Getenv(portOf); port != "" {
		serve(port)
		return
	}
	goleak.VerifyTestMain(m)
}

// serve listens, and speaks when it is started and whenever it gets SIGHUP.
func serve(port string) {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	fmt.Println("hello")
	for range hangUp {
		fmt.Println("hello again")
	}
}

func TestServer(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	port := FreePort(t)
	s := Start(t, Command{Dir: t.TempDir(), Path: program, Env: []string{portOf + "=" + strconv.Itoa(port)}, Port: port})
	s.Await("hello\n", 1)
	s.Signal(syscall.SIGHUP)
	s.Await("hello again\n", 1)
	s.Restart()
	s.Await("hello\n", 2)
	s.Stop()
	s.Stop()
	if conn, err := net.Dial("tcp", Addr(port)); err == nil {
		conn.Close()
		t.Error("it listens after its end")
	}
}
