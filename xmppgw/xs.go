package xmppgw

import "strings"

// xsTrue reads an xs:boolean (XML Schema Part 2 §3.2.2): white space around it
// does not count.
func xsTrue(text string) bool {
	text = strings.Trim(text, " \t\r\n")
	return text == "true" || text == "1"
}
