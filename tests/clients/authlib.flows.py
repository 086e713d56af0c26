"""Authlib 1: a client of requests' and httpx's, and its tools for what JOSE signs."""

import json
import warnings
from urllib.parse import parse_qsl

import httpx
from authlib.common.security import generate_token
from authlib.deprecate import AuthlibDeprecationWarning

# it would rather have the successor of httpx; most of its users have httpx
warnings.simplefilter("ignore", AuthlibDeprecationWarning)

from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from demo_site import CALLBACK, Browser, ada, at, demo, flow, issuer, run

web, spa = demo["clients"]["web"], demo["clients"]["spa"]
script, service = demo["clients"]["script"], demo["clients"]["service"]
WEB_CALLBACK = web["redirect_uris"][0]


def metadata(name="openid-configuration"):
    return httpx.get(at(f"/.well-known/{name}")).raise_for_status().json()


def oauth(name):
    """The endpoint of that name, for clients that want no OpenID Connect."""
    return metadata("oauth-authorization-server")[name]


def username_at(session):
    answer = session.get(at("/api/v1/me"))
    answer.raise_for_status()
    return answer.json()["principal"]["username"]


def session(client, scope, **options):
    return OAuth2Session(
        client["client_id"],
        client.get("client_secret"),
        scope=scope,
        redirect_uri=client["redirect_uris"][0],
        code_challenge_method="S256",
        **options,
    )


def code_flow(session, endpoint, browser=None, **asked):
    verifier = generate_token(48)
    address, state = session.create_authorization_url(
        endpoint("authorization_endpoint"), code_verifier=verifier, **asked
    )
    back = (browser or Browser()).authorize(address)
    # the state is compared by the session; the issuer by nobody in this version
    assert f"state={state}" in back
    return session.fetch_token(
        endpoint("token_endpoint"), authorization_response=back, code_verifier=verifier
    )


def register(**wanted):
    answer = httpx.post(
        metadata()["registration_endpoint"],
        headers={"Authorization": f"Bearer {demo['registration_token']}"},
        json={"client_name": "Authlib", "redirect_uris": [CALLBACK], **wanted},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


# CS-A18, CS-T5: code and PKCE, confidential and public
@flow("code+pkce")
def _():
    for client in (web, spa):
        method = "client_secret_basic" if "client_secret" in client else "none"
        with session(client, "leads:read leads:write", token_endpoint_auth_method=method) as http:
            token = code_flow(http, oauth)

            assert token["token_type"] == "Bearer" and token["expires_in"] == 3600, token
            assert username_at(http) == ada["username"]


# CS-T7: the session changes its tokens by itself when they have ended
@flow("refresh")
def _():
    updates = []
    http = session(
        web,
        "leads:read",
        token_endpoint=oauth("token_endpoint"),
        update_token=lambda token, **old: updates.append((token, old)),
    )
    first = dict(code_flow(http, oauth))
    http.token = {**first, "expires_at": 1}

    assert username_at(http) == ada["username"]

    [(second, old)] = updates
    assert old["refresh_token"] == first["refresh_token"] != second["refresh_token"]


@flow("client-credentials")
async def _():
    for method in ("client_secret_basic", "client_secret_post"):
        async with AsyncOAuth2Client(
            service["client_id"], service["client_secret"], token_endpoint_auth_method=method
        ) as http:
            token = await http.fetch_token(
                oauth("token_endpoint"), grant_type="client_credentials", scope="leads:read"
            )

            assert token["scope"] == "leads:read" and "refresh_token" not in token, token
            answer = await http.get(at("/api/v1/me"))
            assert answer.json()["principal"]["id"] == service["client_id"]


# CS-T11: the password grant, of clients that an administrator allows it
@flow("password")
async def _():
    async with AsyncOAuth2Client(script["client_id"], script["client_secret"]) as http:
        token = await http.fetch_token(
            oauth("token_endpoint"),
            username=ada["username"],
            password=ada["password"],
            scope="leads:read",
        )

        answer = await http.get(at("/api/v1/me"))
        assert answer.json()["principal"]["username"] == ada["username"]
        again = await http.refresh_token(oauth("token_endpoint"), token["refresh_token"])
        assert again["refresh_token"] != token["refresh_token"]


# CS-X1, CS-X2: asked about, ended, asked again
@flow("introspection+revocation")
def _():
    with OAuth2Client(service["client_id"], service["client_secret"]) as http:
        token = http.fetch_token(oauth("token_endpoint"), grant_type="client_credentials")
        asked = oauth("introspection_endpoint")
        live = http.introspect_token(asked, token=token["access_token"]).json()
        assert live["active"] and live["client_id"] == service["client_id"], live

        ended = http.revoke_token(oauth("revocation_endpoint"), token=token["access_token"])

        assert ended.status_code == 200
        assert http.introspect_token(asked, token=token["access_token"]).json() == {"active": False}


def claims_of(token, client_id, nonce=None):
    """What an ID token says, if it is right (OpenID Connect Core §3.1.3.7)."""
    keys = KeySet.import_key_set(httpx.get(metadata()["jwks_uri"]).json())
    algorithms = metadata()["id_token_signing_alg_values_supported"]
    claims = jwt.decode(token["id_token"], keys, algorithms=algorithms).claims
    rules = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "sub": {"essential": True},
    }
    if nonce:
        rules["nonce"] = {"essential": True, "value": nonce}
    jwt.JWTClaimsRegistry(leeway=0, **rules).validate(claims)
    return claims


# CS-J3, CS-T6, CS-U1, CS-U3, CS-U5: who it was, told twice and the same
@flow("openid")
def _():
    nonce = generate_token()
    scope = "openid profile email address phone"
    with session(web, scope) as http:
        token = code_flow(http, metadata().__getitem__, nonce=nonce)

        claims = claims_of(token, web["client_id"], nonce)
        for ask in (http.get, http.post):
            user = ask(metadata()["userinfo_endpoint"]).json()
            assert user["sub"] == claims["sub"], user
            assert user["email"] == "ada@acme.example" and user["email_verified"] is True, user
            assert isinstance(user["address"], dict) and isinstance(user["updated_at"], int), user


# CS-R1, CS-R3, CS-T8: registered with a key and no secret
@flow("private-key-jwt")
async def _():
    key = ECKey.generate_key("P-256", {"kid": "mine", "use": "sig", "alg": "ES256"})
    client = register(
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
        id_token_signed_response_alg="ES256",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    async with AsyncOAuth2Client(
        client["client_id"],
        key,
        token_endpoint_auth_method="private_key_jwt",
        redirect_uri=CALLBACK,
        scope="openid",
        code_challenge_method="S256",
    ) as http:
        http.register_client_auth_method(
            PrivateKeyJWT(metadata()["token_endpoint"], alg="ES256", headers={"kid": "mine"})
        )
        verifier = generate_token(48)
        address, state = http.create_authorization_url(
            metadata()["authorization_endpoint"], code_verifier=verifier
        )
        back = Browser().authorize(address)
        token = await http.fetch_token(
            metadata()["token_endpoint"],
            authorization_response=back,
            state=state,
            code_verifier=verifier,
        )

    assert claims_of(token, client["client_id"])["sub"]


# CS-D15, CS-A20: pushed, and then only named
@flow("par")
def _():
    with session(web, "leads:read") as http:
        verifier = generate_token(48)
        address, state = http.create_authorization_url("", code_verifier=verifier)
        asked = dict(httpx.URL(address).params)
        basic = (web["client_id"], web["client_secret"])
        pushed = httpx.post(
            oauth("pushed_authorization_request_endpoint"), data=asked, auth=basic
        )
        assert pushed.status_code == 201, pushed.text
        query = {"client_id": web["client_id"], "request_uri": pushed.json()["request_uri"]}
        back = Browser().authorize(str(httpx.URL(oauth("authorization_endpoint"), params=query)))

        http.fetch_token(
            oauth("token_endpoint"), authorization_response=back, state=state, code_verifier=verifier
        )

        assert username_at(http) == ada["username"]


# CS-A13: what is asked for by name
@flow("claims")
def _():
    wanted = json.dumps({"userinfo": {"phone_number": None}, "id_token": {"auth_time": None}})
    with session(web, "openid") as http:
        token = code_flow(http, metadata().__getitem__, claims=wanted)

        assert isinstance(claims_of(token, web["client_id"])["auth_time"], int)
        user = http.get(metadata()["userinfo_endpoint"]).json()
        assert "phone_number" in user and "email" not in user, user


# CS-L1, CS-L4: signed out, and on to the client
@flow("logout")
def _():
    goodbye = "http://127.0.0.1:9997/goodbye"
    client = register(post_logout_redirect_uris=[goodbye])
    browser = Browser()
    with session(client, "openid") as http:
        token = code_flow(http, metadata().__getitem__, browser)
    state = "a-b.c_d~e f&g"
    query = {
        "id_token_hint": token["id_token"],
        "post_logout_redirect_uri": goodbye,
        "state": state,
    }

    left = browser.leave(str(httpx.URL(metadata()["end_session_endpoint"], params=query)))

    page, _, query = left.partition("?")
    assert page == goodbye and parse_qsl(query) == [("state", state)], left


run()
