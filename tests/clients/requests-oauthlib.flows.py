"""requests-oauthlib 2: sessions of requests', the oldest client in wide use."""

import os

import requests
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, LegacyApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from demo_site import Browser, ada, at, demo, flow, run

# it speaks https only, unless it is told that this is a test
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

web, spa = demo["clients"]["web"], demo["clients"]["spa"]
script, service = demo["clients"]["script"], demo["clients"]["service"]
endpoints = requests.get(at("/.well-known/oauth-authorization-server"), timeout=30).json()


def basic(client):
    return HTTPBasicAuth(client["client_id"], client["client_secret"])


def username_at(session):
    answer = session.get(at("/api/v1/me"))
    answer.raise_for_status()
    return answer.json()["principal"]["username"]


def code_flow(client, scope, **options):
    session = OAuth2Session(
        client["client_id"],
        redirect_uri=client["redirect_uris"][0],
        scope=scope,
        pkce="S256",
        **options,
    )
    address, _ = session.authorization_url(endpoints["authorization_endpoint"])
    # the session compares the state
    session.fetch_token(
        endpoints["token_endpoint"],
        authorization_response=Browser().authorize(address),
        client_secret=client.get("client_secret"),
        include_client_id=True,
    )
    return session


# CS-A18, CS-T2: code and PKCE, the secret in the body, or none
@flow("code+pkce")
def _():
    for client in (web, spa):
        session = code_flow(client, ["leads:read", "leads:write"])

        assert session.token["expires_in"] == 3600, session.token
        assert username_at(session) == ada["username"]


# CS-T7: the session changes its tokens by itself when they have ended
@flow("refresh")
def _():
    updates = []
    session = code_flow(
        spa,
        ["leads:read"],
        auto_refresh_url=endpoints["token_endpoint"],
        auto_refresh_kwargs={"client_id": spa["client_id"]},
        token_updater=updates.append,
    )
    first = dict(session.token)
    session.token = {**first, "expires_in": -1, "expires_at": 1}

    assert username_at(session) == ada["username"]

    [second] = updates
    assert second["refresh_token"] != first["refresh_token"]


@flow("client-credentials")
def _():
    session = OAuth2Session(client=BackendApplicationClient(service["client_id"]))

    token = session.fetch_token(
        endpoints["token_endpoint"], auth=basic(service), scope=["leads:read"]
    )

    assert token["scope"] == ["leads:read"] and "refresh_token" not in token, token
    answer = session.get(at("/api/v1/me")).json()
    assert answer["principal"]["id"] == service["client_id"], answer


# CS-T11: by its "legacy" client, and an error that it has a class for
@flow("password")
def _():
    session = OAuth2Session(client=LegacyApplicationClient(script["client_id"]))
    sign_in = {"username": ada["username"], "password": ada["password"], "auth": basic(script)}

    session.fetch_token(endpoints["token_endpoint"], **sign_in)

    assert username_at(session) == ada["username"]
    try:
        session.fetch_token(endpoints["token_endpoint"], **{**sign_in, "password": "wrong"})
    except InvalidGrantError:
        return
    raise AssertionError("a wrong password was accepted")


# CS-X1, CS-X2: it leaves introspection and revocation to requests
@flow("introspection+revocation")
def _():
    session = OAuth2Session(client=BackendApplicationClient(service["client_id"]))
    token = session.fetch_token(endpoints["token_endpoint"], auth=basic(service))
    body = {"token": token["access_token"]}
    plain = requests.Session()
    live = plain.post(endpoints["introspection_endpoint"], data=body, auth=basic(service)).json()
    assert live["active"] and live["client_id"] == service["client_id"], live

    ended = plain.post(endpoints["revocation_endpoint"], data=body, auth=basic(service))

    assert ended.status_code == 200
    dead = plain.post(endpoints["introspection_endpoint"], data=body, auth=basic(service)).json()
    assert dead == {"active": False}, dead


# CS-U1: userinfo, with the token in its header
@flow("userinfo")
def _():
    session = code_flow(web, ["openid", "email"])

    answer = session.get(endpoints["userinfo_endpoint"])

    answer.raise_for_status()
    assert answer.json()["email"] == "ada@acme.example", answer.json()


run()
