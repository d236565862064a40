package xmppd

// converseStanzas is what Converse 14 sent when somebody signed in, talked, and
// reloaded the page; only the names are others.
var converseStanzas = []string{
	`<auth mechanism="EXTERNAL" xmlns="urn:ietf:params:xml:ns:xmpp-sasl">YWxpY2VAaA==</auth>`,
	`<iq id="_bind_auth_2" type="set" xmlns="jabber:client"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>converse.js-127408360</resource></bind></iq>` + "\n" +
		`<iq id="_session_auth_2" type="set" xmlns="jabber:client"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>` + "\n" +
		`<enable resume="true" xmlns="urn:xmpp:sm:3"/>` + "\n" +
		`<iq id="f7bcd00c-a323-4bb6-a9f3-6497a73659d5" type="get" xmlns="jabber:client"><blocklist xmlns="urn:xmpp:blocking"/></iq>` + "\n" +
		`<iq id="a86c5628-e15d-4489-bfdf-d4898fcd2c86:roster" type="get" xmlns="jabber:client"><query ver="82c0145de45fe00156bdee249933dd30" xmlns="jabber:iq:roster">                </query></iq>` + "\n" +
		`<presence xmlns="jabber:client"><priority>0</priority><x xmlns="vcard-temp:x:update"/><c hash="sha-1" node="https://conversejs.org" ver="MarGFLKSS3ltZoL5//XHmrF42Wc=" xmlns="http://jabber.org/protocol/caps"/></presence>`,
	`<iq from="alice@h/converse.js-127408360" id="8e69a6d5-eeb8-4d84-af9a-28acd0611d5c:sendIQ" to="h" type="get" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">                    </query></iq>`,
	`<iq from="alice@h/converse.js-127408360" id="90b9bdbe-b276-47d6-9985-a87faa9f729f:sendIQ" to="h" type="get" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#items">                        </query></iq>`,
	`<resume h="12" previd="$id" xmlns="urn:xmpp:sm:3"/>`,
	`<iq from="alice@h" id="d566b652-6087-43f4-85bc-5ab24b1869be:sendIQ" to="alice@h" type="get" xmlns="jabber:client"><pubsub xmlns="http://jabber.org/protocol/pubsub"><items max_items="1" node="urn:xmpp:reactions:popular:0"/></pubsub></iq>`,
	`<iq from="alice@h/converse.js-68142698" id="b82fa0e3-713a-4d08-9d69-cb31415d34fc:sendIQ" type="set" xmlns="jabber:client"><enable xmlns="urn:xmpp:carbons:2"/></iq>`,
	`<iq from="alice@h/converse.js-68142698" id="099b55da-6999-4f77-a4c0-46a229125ff3:sendIQ" to="alice@h" type="get" xmlns="jabber:client"><query xmlns="http://jabber.org/protocol/disco#info">                    </query></iq>`,
	`<message id="ecf995c3-28a3-4145-90a4-b3e100de9db1" to="bob@h" type="chat" xmlns="jabber:client"><active xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/><no-permanent-store xmlns="urn:xmpp:hints"/></message>`,
	`<iq id="fe40d8d5-5ee2-4142-b353-89c8234efcee" type="set" xmlns="jabber:client"><query queryid="ada38924-984c-467d-90a9-f70425de5375" xmlns="urn:xmpp:mam:2"><x type="submit" xmlns="jabber:x:data"><field type="hidden" var="FORM_TYPE"><value>urn:xmpp:mam:2</value></field><field var="with"><value>bob@h</value></field><field var="start"><value>2026-11-26T02:27:49.575Z</value></field></x><set xmlns="http://jabber.org/protocol/rsm"><before/><max>50</max></set></query></iq>` + "\n" +
		`<r xmlns="urn:xmpp:sm:3"/>`,
	`<message from="alice@h/converse.js-68142698" id="9cd50907-ab7c-4c37-b4f7-a742f588a704" to="bob@h" type="chat" xmlns="jabber:client"><body>hello</body><active xmlns="http://jabber.org/protocol/chatstates"/><request xmlns="urn:xmpp:receipts"/><origin-id id="9cd50907-ab7c-4c37-b4f7-a742f588a704" xmlns="urn:xmpp:sid:0"/></message>` + "\n" +
		`2<message from="bob@h/converse.js-134154098" id="bf3da047-301c-4583-a684-ef977073f9ea" to="alice@h/a" type="chat" xmlns="jabber:client"><received id="9cd50907-ab7c-4c37-b4f7-a742f588a704" xmlns="urn:xmpp:receipts"/><store xmlns="urn:xmpp:hints"/></message>` + "\n" +
		`<a h="20" xmlns="urn:xmpp:sm:3"/>`,
}
