"""slixmpp against the site: TCP, STARTTLS with a certificate that is checked, SCRAM.

Run by slixmpp.spec.ts, which starts the site and says where it is.
"""

import asyncio
import json
import os
import ssl
import unittest

import aiohttp
import slixmpp

HOST, PORT = os.environ["FOYER_HOST"], int(os.environ["FOYER_PORT"])
CERTIFICATE = os.environ["FOYER_CERTIFICATE"]
PASSWORDS = json.loads(os.environ["FOYER_PASSWORDS"])
PATIENCE = 60  # seconds; it bounds a test that fails


class Person(slixmpp.ClientXMPP):
    """Somebody at slixmpp; what people say is kept until it is asked for."""

    def __init__(self, name, mechanism=None, password=None, binds=False, resource="slixmpp"):
        super().__init__(f"{name}@localhost/{resource}", password or PASSWORDS[name], sasl_mech=mechanism)
        self.ca_certs = CERTIFICATE
        self.ssl_context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not binds:
            self["feature_mechanisms"].sasl_callback = self.unbound
        self.messages = asyncio.Queue()
        self.add_event_handler("message", self.messages.put_nowait)
        self.add_event_handler("groupchat_message", self.messages.put_nowait)
        for plugin in ("xep_0030", "xep_0045", "xep_0054", "xep_0191", "xep_0198", "xep_0199", "xep_0280", "xep_0313", "xep_0363"):
            self.register_plugin(plugin)

    def unbound(self, required, optional):
        """slixmpp 1.8 knows the channel binding tls-unique only, which TLS 1.3 has not, and claims it all the same."""
        credentials = self["feature_mechanisms"]._default_credentials(required, optional)
        credentials["channel_binding"] = None
        return credentials

    async def sign_in(self):
        outcome = asyncio.get_running_loop().create_future()

        def settle(event):
            return lambda _: outcome.done() or outcome.set_result(event)

        for event in ("session_start", "failed_all_auth", "disconnected"):
            self.add_event_handler(event, settle(event))
        self.connect((HOST, PORT), force_starttls=True)
        result = await asyncio.wait_for(outcome, PATIENCE)
        if result == "session_start":
            await self.get_roster()
            self.send_presence()
        return result

    async def hears(self, text):
        async def listen():
            while True:
                message = await self.messages.get()
                if message["body"] == text:
                    return message

        return await asyncio.wait_for(listen(), PATIENCE)


class Slixmpp(unittest.IsolatedAsyncioTestCase):
    def person(self, *args, **kwargs):
        person = Person(*args, **kwargs)
        self.addAsyncCleanup(person.disconnect)
        return person

    async def signed_in(self, name, **kwargs):
        person = self.person(name, **kwargs)
        self.assertEqual(await person.sign_in(), "session_start")
        return person

    async def test_mechanisms(self):
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
            with self.subTest(mechanism=mechanism):
                person = await self.signed_in("alice", mechanism=mechanism)
                await person.disconnect()

    async def test_as_it_comes(self):
        # It goes down its list, from the mechanisms with a channel binding to PLAIN.
        await self.signed_in("alice", binds=True)

    async def test_wrong_password(self):
        # It tries one mechanism after the other, until the server ends that.
        self.assertEqual(await self.person("alice", password="aaaa-bbbb-cccc-dddd-eeee").sign_in(), "disconnected")

    async def test_roster_and_chat(self):
        alice, bob = await self.signed_in("alice"), await self.signed_in("bob")
        self.assertEqual(alice.client_roster["bob@localhost"]["subscription"], "both")
        self.assertEqual(alice.client_roster["bob@localhost"]["name"], "Bob Baker")
        alice.send_message(mto="bob@localhost", mbody="grüß dich & <wie geht's>", mtype="chat")
        message = await bob.hears("grüß dich & <wie geht's>")
        self.assertEqual(message["from"], alice.boundjid)
        message.reply("well").send()
        await alice.hears("well")

    async def test_history(self):
        alice, bob = await self.signed_in("alice"), await self.signed_in("bob")
        for text in ("one", "two", "three"):
            alice.send_message(mto="bob@localhost", mbody=text, mtype="chat")
            await bob.hears(text)
        found = []
        async for result in bob["xep_0313"].iterate(with_jid="alice@localhost", rsm={"max": 2}):
            found.append(result["mam_result"]["forwarded"]["stanza"]["body"])
        self.assertEqual(found, ["one", "two", "three"])

    async def test_carbons(self):
        alice, bob = await self.signed_in("alice"), await self.signed_in("bob")
        phone = await self.signed_in("bob", resource="phone")
        await phone["xep_0280"].enable()
        copies = asyncio.Queue()
        phone.add_event_handler("carbon_received", copies.put_nowait)
        alice.send_message(mto=bob.boundjid, mbody="to one of you", mtype="chat")
        await bob.hears("to one of you")
        copy = await asyncio.wait_for(copies.get(), PATIENCE)
        self.assertEqual(copy["carbon_received"]["body"], "to one of you")

    async def test_services(self):
        alice = await self.signed_in("alice")
        self.assertGreater(await alice["xep_0199"].ping("localhost"), 0)
        info = await alice["xep_0030"].get_info(jid="localhost")
        self.assertIn(("server", "im"), [identity[:2] for identity in info["disco_info"]["identities"]])
        card = await alice["xep_0054"].get_vcard("bob@localhost")
        self.assertEqual(card["vcard_temp"]["FN"], "Bob Baker")
        await alice["xep_0191"].block("carol@localhost")
        blocked = await alice["xep_0191"].get_blocked()
        self.assertEqual(blocked["blocklist"]["items"], {slixmpp.JID("carol@localhost")})

    async def test_upload(self):
        alice = await self.signed_in("alice")
        # The library's own search for the service does not run on Python 3.11.
        items = await alice["xep_0030"].get_items(jid="localhost")
        service = next(jid for jid, _, _ in items["disco_items"]["items"] if jid.startswith("upload."))
        slot = await alice["xep_0363"].request_slot(service, "note.txt", 5, "text/plain")
        put, get = slot["http_upload_slot"]["put"], slot["http_upload_slot"]["get"]["url"]
        async with aiohttp.ClientSession() as http:
            headers = {header["name"]: header["value"] for header in put["headers"]} | {"Content-Type": "text/plain"}
            async with http.put(put["url"], data=b"hello", headers=headers) as answer:
                self.assertEqual(answer.status, 201)
            async with http.get(get) as answer:
                self.assertEqual((answer.status, await answer.read()), (200, b"hello"))

    async def test_room(self):
        alice, bob = await self.signed_in("alice"), await self.signed_in("bob")
        room = "interop@conference.localhost"
        await alice["xep_0045"].join_muc_wait(room, "Al", timeout=PATIENCE)
        with self.assertRaises(slixmpp.exceptions.PresenceError) as locked:
            await bob["xep_0045"].join_muc_wait(room, "Bo", timeout=PATIENCE)
        self.assertEqual(locked.exception.condition, "item-not-found")
        form = await alice["xep_0045"].get_room_config(room)
        fields = form.get_fields()
        fields["muc#roomconfig_roomname"]["value"] = "Interop"
        fields["muc#roomconfig_persistentroom"]["value"] = True
        await alice["xep_0045"].set_room_config(room, form)
        await bob["xep_0045"].join_muc_wait(room, "Bo", timeout=PATIENCE)
        alice.send_message(mto=room, mbody="everybody?", mtype="groupchat")
        message = await bob.hears("everybody?")
        self.assertEqual(message["from"].resource, "Al")
        info = await bob["xep_0030"].get_info(jid=room)
        self.assertIn("muc_persistent", info["disco_info"]["features"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
